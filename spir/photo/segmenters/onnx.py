"""§4 "Experimental setting", masks: our own small network, which knows what it looks for.

It finds the largest object, says whether it is a car, chair, bird or plane, and whether there are more of them. Run
by OpenCV, so nothing has to be installed for it; `spir.train.segmenter.train` makes the file.
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
"""What the network knows, in the order of its answers; after these comes "none of them"."""
THIN = ("chair", "bird", "plane")
"""Kinds with legs, beaks and wings; cars are rounder than a cut by colours leaves them."""
SIDE = 256
"""Of the square picture that it sees."""
ROOM = 0.2
"""Around the object in the second look, of its longer side."""
CLOSE = 0.8
"""An object whose box with room fills more than this share of the picture's longer side is not looked at again."""
LEAST = 0.02
"""Of the picture's longer side: a smaller find is noise."""
NEARLY = 0.3
"""Another object counts if its area is at least this share of the largest one's."""

running = Lock()
"""OpenCV's networks hold the picture they work on: one visitor at a time, for a twentieth of a second."""


@dataclass(frozen=True)
class OnnxSegmenter:
    """Knows what objects look like, so a busy background or a twin of the floor's colour is no trouble."""

    file: Path = FILE
    name = "our own network"

    def available(self) -> bool:
        return self.file.is_file()

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        return self.segment(photo).mask

    def segment(self, photo: Photo) -> Segmentation:
        """The largest object and what the photo shows, two looks at most: at everything, then closer.

        Raises PhotoError where the network's file is missing or broken."""
        picture = photo.rgb.cpu().numpy()
        mask, objects, kinds = look(self.file, picture)
        others = further(mask, objects)
        box = around(mask)
        if box is None:
            return Segmentation(torch.zeros(mask.shape), self.name, kinds)
        top, bottom, left, right = box
        if max(bottom - top, right - left) < CLOSE * max(mask.shape):
            closer, _, told = look(self.file, picture[top:bottom, left:right])
            kinds = {kind: (chance + told[kind]) / 2 for kind, chance in kinds.items()}
            again = around(closer)
            # The closer look knows less of the surroundings; where it loses the object the first one counts.
            if again is not None:
                mask = np.zeros_like(mask)
                mask[top:bottom, left:right] = closer
        box = around(mask)
        if box is not None and max(kinds, key=kinds.__getitem__) in THIN:
            mask = refined(picture, mask, box)
        return Segmentation(largest_component(torch.from_numpy(mask)), self.name, kinds, others)


def further(mask: Float[ndarray, "height width"], objects: Float[ndarray, "height width"]) -> int:
    """How many pieces of `objects` there are beside the largest object that are nearly as large."""
    own = largest_component(torch.from_numpy(mask)).numpy() >= 0.5
    count, labels, stats, _ = cv2.connectedComponentsWithStats((objects >= 0.5).astype(np.uint8))
    apart = [not own[labels == label].any() for label in range(1, count)]
    areas = stats[1:, cv2.CC_STAT_AREA]
    return int(
        sum(alone and area >= NEARLY * max(own.sum(), 1) for alone, area in zip(apart, areas, strict=True))
    )


def around(mask: Float[ndarray, "height width"]) -> Box | None:
    """The box of the largest piece with some room, inside the picture; none where there is nothing to speak of."""
    height, width = mask.shape
    solid = largest_component(torch.from_numpy(mask)).numpy() >= 0.5
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        return None
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    if max(tall, wide) < LEAST * max(height, width):
        return None
    room = max(4, round(ROOM * max(tall, wide)))
    top, left = max(0, rows[0] - room), max(0, columns[0] - room)
    return int(top), int(min(height, rows[-1] + room + 1)), int(left), int(min(width, columns[-1] + room + 1))


def look(
    file: Path, picture: UInt8[ndarray, "height width 3"]
) -> tuple[Float[ndarray, "height width"], Float[ndarray, "height width"], dict[str, float]]:
    """The network's masks of a picture, enlarged to its size: of the largest object and of all; and its kinds."""
    square = squared(picture).transpose(2, 0, 1)[None].astype(np.float32)
    try:
        with running:
            net = network(file)
            # The mirror image as well, and the mean of both: two errors seldom agree.
            (masks, kinds), (mirrored, too) = (answer(net, each) for each in (square, square[..., ::-1]))
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


def answer(net, square: Float[ndarray, "1 3 side side"]) -> list[ndarray]:
    """Masks and kinds of one picture, in arrays of their own: OpenCV uses its again."""
    net.setInput(np.ascontiguousarray(square), "rgb")
    return [each.copy() for each in net.forward(["masks", "kinds"])]


@lru_cache(maxsize=1)
def network(file: Path):
    """The loaded network; the only thing kept between photos."""
    # OpenCV 5 has a second engine which gets this graph wrong; OpenCV 4 has the first one only.
    engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
    return cv2.dnn.readNetFromONNX(str(file), *engine)


def squared(picture: UInt8[ndarray, "height width 3"], side: int = SIDE) -> UInt8[ndarray, "side side 3"]:
    """The picture stretched to a square: with grey bars instead, which keep its proportions, IoU was 0.04 worse."""
    how = cv2.INTER_AREA if side < max(picture.shape[:2]) else cv2.INTER_LINEAR
    return cv2.resize(picture, (side, side), interpolation=how)
