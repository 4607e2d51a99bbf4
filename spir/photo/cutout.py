"""§4 "Experimental setting": the square crop of the object that encoder and inversion see.

The mask is thresholded at one half; its bounding box gets a margin on every side and becomes a square on the longer
side; area averaging reduces it to 128 pixels; colours are in [-1, 1] over the category's background.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from spir.categories import Category
from spir.errors import PhotoError
from spir.photo.decode import read_photo
from spir.types import Cutout, Photo

MARGIN = 0.05
"""Margin around the object on every side, as a fraction of its box; the networks were trained with this value."""
MIN_OBJECT_PX = 8
"""An object smaller than this many pixels is taken for noise."""
ASPECT_TOLERANCE = 0.03


def cutout(
    photo: Photo,
    mask: Float[Tensor, "height width"],
    category: Category,
    size: int = 128,
    margin: float = MARGIN,
) -> Cutout:
    """Crop the object alone, with a batch of 1; the mask is in [0, 1] at the photo's size, and values >= 0.5 are the object.

    `margin` makes the crop looser or tighter. Raises PhotoError where there is no object."""
    # Threshold before the box: the faint border of a soft mask would make the box far too wide.
    solid = mask.cpu().numpy() >= 0.5
    x0, y0, side = square(solid, margin)
    rows, columns = np.arange(y0, y0 + side), np.arange(x0, x0 + side)
    height, width = solid.shape
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    # Repeat the edge outside the picture, so that averaging adds no other colour.
    at = np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))
    colour = cv2.resize(
        photo.rgb.cpu().numpy()[at].astype(np.float32), (size, size), interpolation=cv2.INTER_AREA
    )
    soft = cv2.resize((solid[at] & inside).astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    soft = soft.clip(0, 1)
    weight = soft[..., None]
    rgb = (colour / 127.5 - 1).clip(-1, 1) * weight + category.background * (1 - weight)
    return Cutout(
        rgb=torch.from_numpy(rgb.astype(np.float32))[None],
        mask=torch.from_numpy(soft)[None],
        box_px=torch.tensor([[x0, y0, x0 + side, y0 + side]], dtype=torch.float32),
    )


def square(solid: np.ndarray, margin: float) -> tuple[int, int, int]:
    """Return left, top and side, in whole pixels, of the square around a boolean mask; it may extend beyond the picture."""
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        raise PhotoError(
            "No object was found in this photo. Paint over it with the brush, or choose another photo."
        )
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    longer = max(bottom - top, right - left)
    if longer < MIN_OBJECT_PX:
        raise PhotoError(
            "The object is too small in this photo. Paint over it with the brush, or choose a closer photo."
        )
    side = max(1, round(float(longer) * (1 + 2 * margin)))
    return round((left + right - side) / 2), round((top + bottom - side) / 2), side


def largest_component(mask: Float[Tensor, "height width"]) -> Float[Tensor, "height width"]:
    """Keep only the largest connected component of the mask (thresholded at one half); an empty mask stays unchanged."""
    solid = (mask.cpu().numpy() >= 0.5).astype(np.uint8)
    count, label, statistics, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count < 2:
        return mask
    largest = 1 + statistics[1:, cv2.CC_STAT_AREA].argmax()
    return mask * torch.from_numpy(label == largest).to(mask)


def same_proportions(mask: tuple[int, int], photo: tuple[int, int]) -> bool:
    """Whether a mask may belong to a photo, by the (height, width) of both; rounding differences are tolerated."""
    return bool(abs(np.log(mask[1] * photo[0] / (mask[0] * photo[1]))) <= ASPECT_TOLERANCE)


def read_mask(source: str | Path | bytes, photo: Photo) -> Float[Tensor, "height width"]:
    """Read a user's mask, in [0, 1] at the photo's size: white (or opaque) is the object.

    Any picture format is accepted. Raises PhotoError where it is not a picture or has other proportions."""
    given = read_photo(source)
    if given.alpha is not None:
        grey = given.alpha.numpy().astype(np.float32)
    else:
        grey = given.rgb.numpy().astype(np.float32).mean(-1)
    # Label files write 1, not 255, for the object.
    grey /= 255 if grey.max() > 1 else 1
    height, width = photo.rgb.shape[:2]
    if not same_proportions(grey.shape, (height, width)):
        raise PhotoError(
            f"The mask ({grey.shape[1]} x {grey.shape[0]}) does not fit the photo ({width} x {height}). "
            "Give the mask of this very photo, neither cropped nor turned."
        )
    if grey.shape != (height, width):
        shrinks = grey.shape[0] > height
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        grey = cv2.resize(grey, (width, height), interpolation=how)
    return torch.from_numpy(np.ascontiguousarray(grey)).clamp(0, 1)
