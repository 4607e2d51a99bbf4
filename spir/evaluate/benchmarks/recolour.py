"""§5, editing by the palette, measured: does "body paint" colour the body, and nothing else?

On procedural objects the truth is known: their attention says how much paint is in every pixel. After N
steps the first palette entry gets a strongly different colour, and the changed pixels are counted.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.evaluate.benchmarks.procedural import ProceduralSubject, scene
from spir.evaluate.items import Record, finished
from spir.evaluate.runs import run, view
from spir.geometry.pose import camera_from_pose
from spir.outputs.edits import recolour
from spir.pipeline import Reconstructor

PAINT = 0
"""The palette entry "body paint"."""
CHANGED = 0.1
"""The largest channel difference, for colours in [0, 1], from which a pixel counts as changed."""
CLEAN = 0.1
"""A pixel with a smaller share of paint in its alpha than this should not change."""
MIN_PIXELS = 20
"""The fewest pixels for which a share is reported."""


def contrasting(colour: Float[Tensor, " 3"]) -> Float[Tensor, " 3"]:
    """Return, for every channel, the end of [-1, 1] that is further away."""
    return torch.where(colour > 0, -1.0, 1.0)


def changed(
    before: Float[Tensor, "height width 3"], after: Float[Tensor, "height width 3"]
) -> Bool[Tensor, "height width"]:
    """Return the pixels that changed by more than `CHANGED`; colours in [-1, 1]."""
    return (after - before).abs().amax(-1) / 2 > CHANGED


def crop_nearest(maps: Tensor, box_px: Float[Tensor, "1 4"], size: int) -> Tensor:
    """Sample (height, width, ...) maps at a cut-out's pixels by nearest neighbour; zero outside the photo."""
    x0, y0, x1, y1 = box_px[0].tolist()
    place = (torch.arange(size) + 0.5) / size
    column = (x0 + place * (x1 - x0)).floor().long()
    row = (y0 + place * (y1 - y0)).floor().long()
    height, width = maps.shape[:2]
    inside = ((row >= 0) & (row < height))[:, None] & ((column >= 0) & (column < width))
    cut = maps[row.clamp(0, height - 1)[:, None], column.clamp(0, width - 1)]
    return cut * inside.view(size, size, *[1] * (maps.ndim - 2))


def share(hit: Bool[Tensor, "height width"], among: Bool[Tensor, "height width"]) -> float | None:
    """Return the share of the pixels `among` that are `hit`; None where they are too few."""
    count = int(among.sum())
    return None if count < MIN_PIXELS else int((hit & among).sum()) / count


@torch.no_grad()
def score_recolour(reconstructor: Reconstructor, subject: ProceduralSubject, steps: int) -> Record:
    """Score the shares of the pixels that change, grouped by what the true object has there.

    Light is part of the palette, so much of a car mixes paint with shade or sky. "paint": mostly paint;
    "others": practically none; "rest": what is not mostly paint, for which even the true car, recoloured the
    same way, changes a share ("rest_true")."""
    true = scene(subject, reconstructor.category)
    assert true.picture.attention is not None
    cut = reconstructor.cut(true.photo)
    size = cut.mask.shape[1]
    step = run(reconstructor, cut, (steps,)).steps[steps]

    code = step.code.to(reconstructor.device)
    colour = contrasting(reconstructor.palette(code)[0, PAINT])
    edited = recolour(reconstructor.generator, code, 1.0, PAINT, colour)
    camera = camera_from_pose(step.pose)
    views = [view(reconstructor, code, camera, size) for code in (code, edited)]
    moved = changed(views[0].rgb[0], views[1].rgb[0])

    alpha = crop_nearest(true.picture.alpha[0], cut.box_px, size)
    attention = crop_nearest(true.picture.attention[0], cut.box_px, size)
    both = (alpha > 0.5) & (cut.mask[0] > 0.5) & (views[0].alpha[0] > 0.5)
    paint = both & (attention.argmax(-1) == PAINT)
    amount = attention[..., PAINT]
    true_colour = true.field.palette[0, PAINT]
    reach = (contrasting(true_colour) - true_colour).abs().amax() / 2
    return {
        "paint": share(moved, paint),
        "others": share(moved, both & (amount < CLEAN * alpha)),
        "rest": share(moved, both & ~paint),
        "rest_true": share(amount * reach > CHANGED, both & ~paint),
    }


def summary(records: Sequence[Record]) -> Record:
    """Return the mean of every share over the objects that have one."""
    table: Record = {"objects": len(finished(records))}
    for name in ("paint", "others", "rest", "rest_true"):
        values = [record[name] for record in finished(records) if record[name] is not None]
        table[name] = sum(values) / len(values) if values else None
    return table
