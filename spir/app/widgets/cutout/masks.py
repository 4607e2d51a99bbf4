"""Convert the cut-out's mask between server and browser: small and binary there, full-size and soft here.

Both conversions pick pixels and never average, so a mask that comes back unchanged changes nothing.
"""

import base64

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from PIL import Image
from torch import Tensor

from spir.app.data_uris import png
from spir.limits import BudgetedReader, cpu_deadline

SIDE = 640
"""The longest side in pixels of the picture on which the browser paints."""
MOST_BYTES = 2_000_000
"""The longest painted mask as text, in characters; a real one has a few thousand."""
SECONDS = 0.5
"""The seconds of CPU time for reading one painted mask."""
START = "data:image/png;base64,"


def small_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and the width of a photo in the browser: at most `SIDE`, never larger than the photo
    itself."""
    scale = min(1.0, SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def reduced(mask: Float[Tensor, "height width"]) -> Bool[ndarray, "small_height small_width"]:
    """Return the mask in the browser: whether the middle of each small pixel belongs to the object."""
    sizes = small_size(*mask.shape)
    rows, columns = (middles(small, full) for small, full in zip(sizes, mask.shape, strict=True))
    return mask.numpy()[np.ix_(rows, columns)] >= 0.5


def merged(
    painted: Bool[ndarray, "small_height small_width"],
    mask: Float[Tensor, "height width"],
    automatic: Float[Tensor, "height width"],
) -> Float[Tensor, "height width"]:
    """Return the mask that the visitor painted: unchanged where the visitor changed nothing, the segmenter's
    where a change was undone, and 0 or 1 where the brush disagrees with both. `reduced` of it is what was
    painted."""
    here = np.ix_(*(owners(full, small) for full, small in zip(mask.shape, painted.shape, strict=True)))
    kept, restored = ((painted == reduced(known))[here] for known in (mask, automatic))
    flat = painted[here].astype(np.float32)
    return torch.from_numpy(np.where(kept, mask.numpy(), np.where(restored, automatic.numpy(), flat)))


def middles(small: int, full: int) -> ndarray:
    """Return the index of the full pixel in the middle of each small one."""
    return (2 * np.arange(small) + 1) * full // (2 * small)


def owners(full: int, small: int) -> ndarray:
    """Return the index of the small pixel in which each full one lies."""
    return (2 * np.arange(full) + 1) * small // (2 * full)


def mask_uri(solid: Bool[ndarray, "small_height small_width"]) -> str:
    """Return the mask as the data URI of a PNG, white on the object and black elsewhere."""
    return png(solid.astype(np.uint8) * 255)


def read_mask_uri(text: object, size: tuple[int, int]) -> Bool[ndarray, "small_height small_width"]:
    """Return the mask that the browser painted. Raises ValueError unless it is a PNG of exactly that height
    and width."""
    if not isinstance(text, str) or not text.startswith(START) or len(text) > MOST_BYTES:
        raise ValueError("a painted mask is a PNG as text")
    data = base64.b64decode(text[len(START) :], validate=True)
    try:
        with Image.open(BudgetedReader(data, cpu_deadline(SECONDS)), formats=("PNG",)) as image:
            fits = image.size == size[::-1]
            grey = np.asarray(image.convert("L")) if fits else None
    except Exception as problem:
        # As with photos: a decoder fed with hostile bytes may raise anything at all.
        raise ValueError("a painted mask could not be decoded") from problem
    if grey is None:
        raise ValueError("a painted mask has the size of the small photo")
    return grey >= 128
