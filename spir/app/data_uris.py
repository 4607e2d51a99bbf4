"""Encode pictures as data URIs, which the page receives without a file and without another request."""

import base64

from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from spir.outputs.views import png_bytes, webp_bytes


def data_uri(data: bytes, kind: str) -> str:
    """Return a picture file as a data URI; `kind` is "jpeg", "png" or "webp"."""
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()


def small(picture: UInt8[ndarray, "height width 3"]) -> str:
    """Return a lossy data URI, for photos and for pictures that change fast."""
    return data_uri(webp_bytes(picture), "webp")


def png(picture: UInt8[ndarray, "height width *channel"]) -> str:
    """Return an exact data URI, in grey, colour or with alpha, for pictures that are read pixel by pixel."""
    return data_uri(png_bytes(picture), "png")


def webp(weights: bytes) -> str:
    """Return packed weights (`outputs.attention_maps`) as a data URI, for the browser to paint."""
    return data_uri(weights, "webp")


def hex_colours(palette: Float[Tensor, "values 3"]) -> list[str]:
    """Return colours in [-1, 1] as #rrggbb."""
    levels = ((palette.detach().cpu().float().clamp(-1, 1) + 1) * 127.5).round().int().tolist()
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in levels]
