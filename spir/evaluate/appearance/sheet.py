"""The contact sheet of textured photos: each object from the photo's side to its far side, and in another colour."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from spir.evaluate.appearance.paints import BLUE, RED, painted_palette, reddish
from spir.evaluate.appearance.textured import Textured, enlarged_views, surface_views
from spir.evaluate.items import Record
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import view_from_rotation
from spir.outputs.panels import sheet
from spir.outputs.views import orbit, to_uint8
from spir.pipeline import Reconstructor
from spir.types import Photo, Rendering

TILE = 216
"""Side of a tile in pixels."""
ROW = 5
"""Tiles per row; a photo has two rows."""
PHOTOS = 6
"""Photos per page, few enough to look at."""
INK = (255, 255, 255)
FILLED = 0.92
"""Fraction of a tile that the object fills in views other than the photo's."""
FINER = 3
"""Rendering size as a multiple of the tile's, before cropping and shrinking: on the turntable the object is often small."""

Picture = UInt8[np.ndarray, "height width 3"]


def tiles(reconstructor: Reconstructor, name: str, photo: Photo, found: Textured) -> list[Picture]:
    """Return one photo's tiles, labelled, in reading order."""
    code, pose, appearance = found.step.code, found.step.pose, found.appearance
    background = reconstructor.category.background
    around = orbit(pose, 360)
    azimuth = round(view_from_rotation(pose.quaternion)[0].item())
    paint = BLUE if reddish(appearance.palette[0]) else RED
    palette = painted_palette(reconstructor, code, paint)

    def seen(turn: int | None, palette: Float[Tensor, "values 3"] | None = None) -> Picture:
        """Render from the photo's own pose (None), or turned by so many degrees to the right and filling the tile."""
        there = pose if turn is None else around[turn % 360 : turn % 360 + 1]
        size = TILE if turn is None else FINER * TILE
        picture = surface_views(appearance, camera_from_pose(there), size, background, palette)
        return to_uint8(picture.rgb[0]) if turn is None else filled(picture, background)

    pictures = [
        (name, crop(photo, found.cut.box_px)),
        ("rendering", to_uint8(enlarged_views(reconstructor, code, camera_from_pose(pose), TILE).rgb[0])),
        ("textured", seen(None)),
        ("+30", seen(30)),
        ("+60", seen(60)),
        ("-60", seen(-60)),
        ("180", seen(180)),
        ("mirrored side", seen(-2 * azimuth)),
        ("recoloured", seen(None, palette)),
        ("recoloured, +60", seen(60, palette)),
    ]
    return [labelled(picture, text) for text, picture in pictures]


def filled(picture: Rendering, background: float) -> Picture:
    """Crop the square around the object, with a margin, as a tile; background in [-1, 1] outside the picture."""
    solid = picture.alpha[0].numpy() > 0.5
    rgb = Image.fromarray(to_uint8(picture.rgb[0]))
    if not solid.any():
        return np.array(rgb.resize((TILE, TILE)))
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    middle = (columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2
    half = max(np.ptp(columns) + 1, np.ptp(rows) + 1) / 2 / FILLED
    left, top = (round(at - half) for at in middle)
    side = round(2 * half)
    grey = round((background + 1) * 127.5)
    page = Image.new("RGB", (side, side), (grey, grey, grey))
    page.paste(rgb, (-left, -top))
    return np.array(page.resize((TILE, TILE), Image.Resampling.LANCZOS))


def crop(photo: Photo, box_px: Float[Tensor, "1 4"]) -> Picture:
    """Crop the photo to the cut-out's box, with its surroundings; black outside the photo."""
    x0, y0, x1, y1 = (int(edge) for edge in box_px[0])
    part = Image.fromarray(photo.rgb.numpy()).crop((x0, y0, x1, y1))
    return np.array(part.resize((TILE, TILE), Image.Resampling.LANCZOS))


def labelled(picture: Picture, text: str) -> Picture:
    """Draw a text into the upper left corner of the picture."""
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text((3, 2), text, INK, stroke_width=1, stroke_fill=(0, 0, 0))
    return np.array(image)


def save_pages(path: Path, records: Sequence[Record]) -> list[Path]:
    """Write the photos that have pictures, a few per page: FILE.png becomes FILE-1.png, FILE-2.png and so on."""
    shown = [record["pictures"] for record in records if "pictures" in record]
    path.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for first in range(0, len(shown), PHOTOS):
        photos = shown[first : first + PHOTOS]
        rows = [photo[start : start + ROW] for photo in photos for start in range(0, len(photo), ROW)]
        written.append(path.with_name(f"{path.stem}-{len(written) + 1}{path.suffix}"))
        Image.fromarray(sheet(rows)).save(written[-1])
    return written
