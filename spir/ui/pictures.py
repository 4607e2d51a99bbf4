"""Pictures as data URIs: what the page streams without a file and without another request."""

import base64

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from spir.outputs.views import jpeg_bytes, png_bytes
from spir.types import Cutout, Photo

PREVIEW_SIDE = 480
"""Longest side of the photo's preview, pixels."""
PINK = np.array([255.0, 45.0, 110.0])


def jpeg(picture: UInt8[ndarray, "height width 3"]) -> str:
    """Small; for what moves."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_bytes(picture)).decode()


def png(picture: UInt8[ndarray, "height width 3"]) -> str:
    """Exact; for what is looked at pixel by pixel."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode()


def hex_colours(palette: Float[Tensor, "values 3"]) -> list[str]:
    """Colours in [-1, 1] as #rrggbb."""
    levels = ((palette.detach().cpu().float().clamp(-1, 1) + 1) * 127.5).round().int().tolist()
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in levels]


def overlay(photo: Photo, cutout: Cutout) -> UInt8[ndarray, "height width 3"]:
    """The photo, reduced, with everything dimmed that is not the object, whose outline is pink."""
    height, width = photo.rgb.shape[:2]
    scale = min(1.0, PREVIEW_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    under = np.asarray(Image.fromarray(photo.rgb.numpy()).resize(size, Image.Resampling.BILINEAR), np.float32)
    x0, y0, x1, y1 = (round(value * scale) for value in cutout.box_px[0].tolist())
    patch = Image.fromarray((cutout.mask[0].numpy() * 255).round().astype(np.uint8))
    layer = Image.new("L", size)
    # Pasting clips what reaches outside the photo.
    layer.paste(patch.resize((max(1, x1 - x0), max(1, y1 - y0)), Image.Resampling.BILINEAR), (x0, y0))
    inside = np.asarray(layer, np.float32)[..., None] / 255
    dimmed = 0.35 * under + 0.65 * 240
    seam = 4 * inside * (1 - inside)
    picture = inside * under + (1 - inside) * dimmed
    return (picture * (1 - seam) + PINK * seam).round().clip(0, 255).astype(np.uint8)
