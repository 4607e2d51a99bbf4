"""Pictures as data URIs: what the page streams without a file and without another request."""

import base64

from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from spir.outputs.views import png_bytes, webp_bytes


def data_uri(data: bytes, kind: str) -> str:
    """A picture file as the address of itself; kind "jpeg", "png" or "webp"."""
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()


def small(picture: UInt8[ndarray, "height width 3"]) -> str:
    """Lossy; for what moves, and for photos."""
    return data_uri(webp_bytes(picture), "webp")


def png(picture: UInt8[ndarray, "height width *channel"]) -> str:
    """Exact, grey, coloured or with alpha; for what is looked at pixel by pixel."""
    return data_uri(png_bytes(picture), "png")


def webp(weights: bytes) -> str:
    """Packed weights (`outputs.attention_maps`), for the browser to paint."""
    return data_uri(weights, "webp")


def hex_colours(palette: Float[Tensor, "values 3"]) -> list[str]:
    """Colours in [-1, 1] as #rrggbb."""
    levels = ((palette.detach().cpu().float().clamp(-1, 1) + 1) * 127.5).round().int().tolist()
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in levels]
