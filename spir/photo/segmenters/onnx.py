"""§4 "Experimental setting", masks: our own small network, which is trained on the categories' objects.

It segments the largest object, says whether it is a car, chair, bird or plane, and whether there are more objects. It
runs in OpenCV, so nothing else has to be installed; `spir.train.segmenter.train` makes the file.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from spir.categories import Category
from spir.errors import PhotoError
from spir.photo.cutout import largest_component
from spir.photo.segmenters.outline import Box, refined
from spir.types import Photo, Segmentation

FILE = Path(__file__).parents[3] / "weights" / "shared" / "segmenter.onnx"
KINDS = ("car", "chair", "bird", "plane")
"""The classes that the network knows, in the order of its outputs; the last output is "none of them"."""
THIN = ("chair", "bird", "plane")
"""Classes with thin parts (legs, beaks, wings), whose masks are refined; refining would cut cars less round than they are."""
SIDE = 256
"""Side of the square picture that the network sees, in pixels."""
CROP_MARGIN = 0.2
"""Margin around the object in the second pass, as a fraction of its longer side."""
MAX_CROP_SHARE = 0.8
"""An object whose box with margin fills more than this fraction of the picture's longer side gets no second pass."""
LEAST = 0.02
"""An object smaller than this fraction of the picture's longer side is taken for noise."""
OTHER_AREA_RATIO = 0.3
"""Another object counts if its area is at least this fraction of the largest one's."""

running = Lock()
"""Lets one thread run OpenCV's network at a time, as it holds its input: about a twentieth of a second each."""


@dataclass(frozen=True)
class OnnxSegmenter:
    """A trained segmenter, which copes with busy backgrounds and with objects of the floor's colour."""

    file: Path = FILE
    name = "our own network"

    def available(self) -> bool:
        return self.file.is_file()

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        return self.segment(photo).mask

    def segment(self, photo: Photo) -> Segmentation:
        """Segment the largest object and classify the photo, in at most two passes: the whole picture, then a closer crop.

        Raises PhotoError where the network's file is missing or broken."""
        picture = photo.rgb.cpu().numpy()
        mask, objects, kinds = run_network(self.file, picture)
        others = count_others(mask, objects)
        box = crop_box(mask)
        if box is None:
            return Segmentation(torch.zeros(mask.shape), self.name, kinds)
        top, bottom, left, right = box
        if max(bottom - top, right - left) < MAX_CROP_SHARE * max(mask.shape):
            closer, _, told = run_network(self.file, picture[top:bottom, left:right])
            kinds = {kind: (chance + told[kind]) / 2 for kind, chance in kinds.items()}
            again = crop_box(closer)
            # The closer crop shows less of the surroundings; where it loses the object, keep the first mask.
            if again is not None:
                mask = np.zeros_like(mask)
                mask[top:bottom, left:right] = closer
        box = crop_box(mask)
        if box is not None and max(kinds, key=kinds.__getitem__) in THIN:
            mask = refined(picture, mask, box)
        return Segmentation(largest_component(torch.from_numpy(mask)), self.name, kinds, others)


def count_others(mask: Float[ndarray, "height width"], objects: Float[ndarray, "height width"]) -> int:
    """Return how many pieces of `objects` beside the largest object are nearly as large."""
    own = largest_component(torch.from_numpy(mask)).numpy() >= 0.5
    count, labels, stats, _ = cv2.connectedComponentsWithStats((objects >= 0.5).astype(np.uint8))
    apart = [not own[labels == label].any() for label in range(1, count)]
    areas = stats[1:, cv2.CC_STAT_AREA]
    return int(
        sum(
            alone and area >= OTHER_AREA_RATIO * max(own.sum(), 1)
            for alone, area in zip(apart, areas, strict=True)
        )
    )


def crop_box(mask: Float[ndarray, "height width"]) -> Box | None:
    """Return the box of the largest piece with a margin, inside the picture; None where there is nothing but noise."""
    height, width = mask.shape
    solid = largest_component(torch.from_numpy(mask)).numpy() >= 0.5
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        return None
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    if max(tall, wide) < LEAST * max(height, width):
        return None
    room = max(4, round(CROP_MARGIN * max(tall, wide)))
    top, left = max(0, rows[0] - room), max(0, columns[0] - room)
    return int(top), int(min(height, rows[-1] + room + 1)), int(left), int(min(width, columns[-1] + room + 1))


def run_network(
    file: Path, picture: UInt8[ndarray, "height width 3"]
) -> tuple[Float[ndarray, "height width"], Float[ndarray, "height width"], dict[str, float]]:
    """Return the network's masks, enlarged to the picture's size (of the largest object and of all), and its
    class probabilities."""
    square = squared(picture).transpose(2, 0, 1)[None].astype(np.float32)
    try:
        with running:
            net = network(file)
            # Average with the mirror image's prediction: their errors are mostly independent.
            (masks, kinds), (mirrored, too) = (forward(net, each) for each in (square, square[..., ::-1]))
    except cv2.error as problem:
        raise PhotoError(
            "The cut-out network could not run. Use the built-in cut-out, or paint over the object with the brush."
        ) from problem
    masks, kinds = (masks + mirrored[..., ::-1]) / 2, (kinds + too) / 2
    height, width = picture.shape[:2]
    mask, objects = (
        cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR).clip(0, 1) for each in masks[0]
    )
    return mask, objects, dict(zip(KINDS, kinds[0].astype(float).tolist(), strict=False))


def forward(net, square: Float[ndarray, "1 3 side side"]) -> list[ndarray]:
    """Return masks and class probabilities of one picture as copies: OpenCV reuses its own arrays."""
    net.setInput(np.ascontiguousarray(square), "rgb")
    return [each.copy() for each in net.forward(["masks", "kinds"])]


@lru_cache(maxsize=1)
def network(file: Path):
    """Return the loaded network, the only state kept between photos."""
    # OpenCV 5 has a second engine which gets this graph wrong; OpenCV 4 has the first one only.
    engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
    return cv2.dnn.readNetFromONNX(str(file), *engine)


def squared(picture: UInt8[ndarray, "height width 3"], side: int = SIDE) -> UInt8[ndarray, "side side 3"]:
    """Stretch the picture to a square; padding with grey bars, which keeps the proportions, gave an IoU 0.04 worse."""
    how = cv2.INTER_AREA if side < max(picture.shape[:2]) else cv2.INTER_LINEAR
    return cv2.resize(picture, (side, side), interpolation=how)
