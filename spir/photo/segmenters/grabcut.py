"""§4 "Experimental setting", masks: segmentation without any network, by colour models and graph cuts.

It works for one object that fills a third of the picture or more and differs in colour from its surroundings. It
has no knowledge of cars: an object of the floor's colour, or in front of a similar one, needs the brush.
"""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from torch import Tensor

from spir.categories import Category
from spir.photo.cutout import largest_component
from spir.types import Photo

SIDE = 200
"""Longest side of the graph, in pixels: it takes a quarter of a second on one core, and larger graphs are no better."""
LEAST = 16
"""Shortest side of the graph, in pixels: a smaller one has no room between border and object."""
ROUNDS = 3
PROBABLE_OBJECT = (0.5, 0.53, 0.44, 0.36)
"""Centre x, y and radii, as fractions of the picture, of the superellipse where the object is expected."""
SURE_OBJECT = (0.5, 0.62, 0.25, 0.15)
"""Centre x, y and radii of the part that surely is object: it lies low, as photos leave more room above than below."""
BORDER = 0.04
"""Width of the outermost band that is taken for background, as a fraction of the shorter side; its colours are learned there."""
GAP = 0.2
"""Notches narrower than this fraction of the mask's longer side are closed: dark windows, wheel arches."""
FLAT = 12
"""The pixels of a frame's lines differ by at most this many grey levels."""


class GrabCutSegmenter:
    """The built-in fallback; it is deterministic and takes less than a second."""

    name = "built-in (GrabCut, no network)"

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        """Return 1 on the object and 0 elsewhere; all 0 where the picture has only one colour."""
        picture = photo.rgb.cpu().numpy()
        top, bottom, left, right = without_frame(picture)
        content = picture[top:bottom, left:right]
        scale = min(1.0, SIDE / max(content.shape[:2]))
        small = cv2.resize(
            content,
            (max(LEAST, round(content.shape[1] * scale)), max(LEAST, round(content.shape[0] * scale))),
            interpolation=cv2.INTER_AREA,
        )
        solid = torch.from_numpy(cut(small).astype(np.float32))
        solid = clean_mask(largest_component(solid).numpy() > 0.5).astype(np.float32)
        mask = np.zeros(picture.shape[:2], np.float32)
        mask[top:bottom, left:right] = cv2.resize(
            solid, (content.shape[1], content.shape[0]), interpolation=cv2.INTER_LINEAR
        )
        return torch.from_numpy(mask)


def superellipse(
    height: int, width: int, shape: tuple[float, float, float, float]
) -> Float[ndarray, "height width"]:
    """Return the normalised distance from the centre of a superellipse, 1 on its outline; wheels and roof reach
    further into the corners than an ellipse."""
    x0, y0, radius_x, radius_y = shape
    x = np.abs((np.arange(width) + 0.5) / width - x0) / radius_x
    y = np.abs((np.arange(height) + 0.5) / height - y0) / radius_y
    return (x**2.5 + y[:, None] ** 2.5) ** 0.4


def cut(picture: UInt8[ndarray, "height width 3"]) -> Bool[ndarray, "height width"]:
    """Segment the object by GrabCut, starting from where objects usually are; all False where nothing stands out."""
    height, width = picture.shape[:2]
    labels = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    labels[superellipse(height, width, PROBABLE_OBJECT) < 1] = cv2.GC_PR_FGD
    labels[superellipse(height, width, SURE_OBJECT) < 1] = cv2.GC_FGD
    band = max(1, round(BORDER * min(height, width)))
    inner = np.zeros((height, width), bool)
    inner[band:-band, band:-band] = True
    labels[~inner] = cv2.GC_BGD
    if np.ptp(picture, axis=(0, 1)).max() <= FLAT:
        return np.zeros((height, width), bool)
    # The colour models start from k-means; its seed is global to OpenCV, so the same photo needs it reset.
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(picture), labels, (0, 0, 0, 0), *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def clean_mask(solid: Bool[ndarray, "height width"]) -> Bool[ndarray, "height width"]:
    """Remove thin protrusions, and close notches and holes."""
    thin, wide = (max(3, round(part * max(solid.shape)) | 1) for part in (0.01, GAP))
    solid = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, disc(thin))
    solid = cv2.copyMakeBorder(solid, wide, wide, wide, wide, cv2.BORDER_CONSTANT, value=0)
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, disc(wide))
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(solid, outlines, -1, 1, cv2.FILLED)
    return solid[wide:-wide, wide:-wide] > 0


def disc(diameter: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))


def without_frame(picture: UInt8[ndarray, "height width 3"]) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of the picture inside bars of one colour, as screenshots have them.

    Bars on all four sides are taken for a studio's backdrop instead of a frame, and stay."""
    height, width = picture.shape[:2]
    columns = picture.transpose(1, 0, 2)
    top, bottom = border_width(picture), border_width(picture[::-1])
    left, right = border_width(columns), border_width(columns[::-1])
    if left and right and not (top or bottom) and left + right < 0.7 * width:
        return 0, height, left, width - right
    if top and bottom and not (left or right) and top + bottom < 0.7 * height:
        return top, height - bottom, 0, width
    return 0, height, 0, width


def border_width(lines: UInt8[ndarray, "line pixel 3"]) -> int:
    """Return how many of the first lines consist only of the first pixel's colour."""
    off = np.abs(lines.astype(np.int16) - lines[0, 0].astype(np.int16)).max((1, 2)) > FLAT
    return int(off.argmax()) if off.any() else len(lines)
