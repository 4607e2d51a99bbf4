"""§3.1 "Attention-based color mapping": views stored as the attention weights of their colours, packed into small pictures.

A view is attention @ palette wherever the object is, so the attention gives the view in every palette.
Three weights make a colour picture: a view of K weights becomes ceil(K / 3) tiles side by side, the views of a
rendering lie below one another, and WebP stores them without loss. `app/page.js` reads them in the browser.
"""

from io import BytesIO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from spir.types import Rendering

LARGEST = 16383
"""The largest width or height of a WebP picture, in pixels."""


def weight_bytes(attention: Float[Tensor, "*shape values"]) -> UInt8[ndarray, "*shape values"]:
    """Convert weights that sum to alpha to bytes that sum to alpha's byte.

    Rounding each weight by itself would not keep the sum; the remaining units go to the largest remainders, so each
    weight is off by less than 1."""
    exact = 255 * attention.detach().cpu().float().clamp(0, 1)
    low = exact.floor()
    alpha = exact.sum(-1, keepdim=True).round().clamp(0, 255)
    left = (alpha - low.sum(-1, keepdim=True)).clamp(min=0)
    rank = (exact - low).argsort(dim=-1, descending=True, stable=True).argsort(-1)
    return (low + (rank < left)).to(torch.uint8).numpy()


def encode_attention(rendering: Rendering) -> bytes:
    """Return a lossless WebP of the attention weights of every picture in a rendering.

    Raises ValueError where the rendering was made without attention, or is too large for one file."""
    if rendering.attention is None:
        raise ValueError("this rendering was made without attention; render it with attention=True")
    weights = weight_bytes(rendering.attention)
    views, height, width, count = weights.shape
    tiles = -(-count // 3)
    if max(views * height, tiles * width) > LARGEST:
        raise ValueError(f"{views} views of {width} x {height} are too large for one picture")
    padded = np.pad(weights, ((0, 0), (0, 0), (0, 0), (0, 3 * tiles - count)))
    page = padded.reshape(views, height, width, tiles, 3).transpose(0, 1, 3, 2, 4)
    return saved(Image.fromarray(np.ascontiguousarray(page.reshape(views * height, tiles * width, 3))))


def first_view(data: bytes, height: int) -> bytes:
    """Return a WebP of only the first view of a packed picture; `height` is that of one view, in pixels."""
    with Image.open(BytesIO(data), formats=("WEBP",)) as image:
        return saved(image.convert("RGB").crop((0, 0, image.width, height)))


def saved(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "WEBP", lossless=True, quality=50, method=2)
    return file.getvalue()


def decode_attention(
    data: bytes, values: int, height: int, width: int
) -> Float[Tensor, "view height width values"]:
    """Return the packed weights, in [0, 1]. Raises ValueError unless the picture holds whole views of that shape."""
    tiles = -(-values // 3)
    try:
        with Image.open(BytesIO(data), formats=("WEBP",)) as image:
            size = image.size
            fits = size[0] == tiles * width and size[1] % height == 0 and max(size) <= LARGEST
            page = np.asarray(image.convert("RGB")) if fits else None
    except (OSError, SyntaxError) as problem:
        raise ValueError("not a picture of packed views") from problem
    if page is None:
        raise ValueError(f"{size[0]} x {size[1]} pixels do not hold views of {width} x {height}")
    weights = page.reshape(-1, height, tiles, width, 3).transpose(0, 1, 3, 2, 4)
    weights = weights.reshape(-1, height, width, 3 * tiles)[..., :values]
    return torch.from_numpy(np.ascontiguousarray(weights)).float() / 255
