"""§5 "Results", figures: pictures of what the method saw and made (uint8, height x width x 3)."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from spir.outputs.views import to_uint8
from spir.types import Photo, Step

Picture = UInt8[ndarray, "_ _ 3"]
ATTENTION_COLOURS = (
    (230, 75, 53),
    (77, 187, 213),
    (0, 160, 135),
    (60, 84, 136),
    (243, 180, 60),
    (132, 91, 151),
    (145, 209, 110),
    (220, 110, 190),
    (150, 105, 45),
    (90, 90, 90),
)
"""One colour per palette entry; they are fixed, so that the same part has the same colour in every figure."""
ERROR_RAMP = ((255, 255, 255), (250, 214, 120), (226, 92, 40), (120, 20, 60), (30, 4, 30))
"""The colours from no difference to `WORST_ERROR`."""
WORST_ERROR = 1.0
"""The mean absolute difference of the channels (at most 2) that is drawn darkest."""
GAP, PAPER, INK = 4, 255, (30, 30, 30)
TEXT_HEIGHT = 16


def on_paper(colour: Float[Tensor, "height width 3"], alpha: Float[Tensor, "height width"]) -> Picture:
    """Composite colours in [0, 1], already multiplied by alpha, onto white."""
    return to_uint8(2 * (colour + (1 - alpha)[..., None]) - 1)


def nocs_picture(
    nocs: Float[Tensor, "height width 3"], alpha: Float[Tensor, "height width"], scene_range: float
) -> Picture:
    """Draw object coordinates times alpha, in object units, as colours: x red, y green, z blue."""
    return on_paper(nocs / (2 * scene_range) + 0.5 * alpha[..., None], alpha)


def normals_picture(
    normals: Float[Tensor, "height width 3"], alpha: Float[Tensor, "height width"]
) -> Picture:
    """Draw directions of any length, in object axes, as colours."""
    unit = torch.nn.functional.normalize(normals, dim=-1)
    return on_paper((0.5 * unit + 0.5) * alpha[..., None], alpha)


def attention_picture(attention: Float[Tensor, "height width values"]) -> Picture:
    """Draw which palette entry colours each pixel; attention sums to alpha."""
    table = np.resize(np.array(ATTENTION_COLOURS), (attention.shape[-1], 3))
    return on_paper(attention @ torch.from_numpy(table / 255).to(attention), attention.sum(-1))


def error_picture(target: Float[Tensor, "height width 3"], rgb: Float[Tensor, "height width 3"]) -> Picture:
    """Draw the mean absolute difference of two pictures in [-1, 1], from white to black."""
    return ramped((target - rgb).abs().mean(-1).detach().cpu().numpy() / WORST_ERROR)


def ramped(error: Float[ndarray, "height width"]) -> Picture:
    """Draw an error from 0 (white) to 1 and more (black)."""
    place = error.clip(0, 1) * (len(ERROR_RAMP) - 1)
    ramp = np.array(ERROR_RAMP, float)
    channels = [np.interp(place, np.arange(len(ramp)), ramp[:, i]) for i in range(3)]
    return np.stack(channels, -1).round().astype(np.uint8)


def thumbnail(photo: Photo, size: int) -> Picture:
    """Return the whole photo inside a white square."""
    image = Image.fromarray(photo.rgb.cpu().numpy())
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    page = Image.new("RGB", (size, size), (PAPER, PAPER, PAPER))
    page.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return np.array(page)


def strip(steps: Sequence[Step], shown: int = 8, row: int = 0) -> Picture:
    """Draw the trajectory as one row of numbered pictures, including the first and the last step."""
    if not steps:
        raise ValueError("a strip needs at least one step")
    picks = np.unique(np.linspace(0, len(steps) - 1, shown).round().astype(int))
    chosen = [steps[pick] for pick in picks]
    pictures = [to_uint8(step.rgb[row]) for step in chosen]
    return sheet([pictures], [f"step {step.index}" for step in chosen])


def sheet(
    rows: Sequence[Sequence[Picture]],
    labels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
) -> Picture:
    """Return a contact sheet: equal cells, `labels` above the columns, `row_labels` on the first cell of each row.

    Rows may differ in length and pictures in size; each picture lies at the upper left of its cell."""
    cell_height = max(picture.shape[0] for row in rows for picture in row)
    cell_width = max(picture.shape[1] for row in rows for picture in row)
    head = TEXT_HEIGHT if labels else 0
    columns = max(len(row) for row in rows)
    page = Image.new(
        "RGB",
        (columns * (cell_width + GAP) + GAP, head + len(rows) * (cell_height + GAP) + GAP),
        (PAPER, PAPER, PAPER),
    )
    pen, font = ImageDraw.Draw(page), ImageFont.load_default()
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            page.paste(Image.fromarray(picture), corner(i, j, cell_height, cell_width, head))
    for j, label in enumerate(labels):
        pen.text((corner(0, j, cell_height, cell_width, 0)[0], 2), label, INK, font)
    for i, label in enumerate(row_labels):
        x, y = corner(i, 0, cell_height, cell_width, head)
        pen.text((x + 2, y + 1), label, INK, font, stroke_width=2, stroke_fill=(PAPER, PAPER, PAPER))
    return np.array(page)


def corner(row: int, column: int, cell_height: int, cell_width: int, head: int) -> tuple[int, int]:
    """Return the left and top of a cell of the sheet, in pixels."""
    return GAP + column * (cell_width + GAP), head + GAP + row * (cell_height + GAP)
