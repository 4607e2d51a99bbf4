"""DeepLabv3 on the 21 names of Pascal VOC, the segmenter's teacher, as a segmenter itself, to compare
with."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from torch import Tensor

from spir.categories import Category
from spir.photo import largest_component
from spir.photo.segmenters.onnx import KINDS
from spir.types import Photo, Segmentation

SIDE, NAMES = 257, 21
VOC = {"car": (6, 7), "chair": (9, 18), "bird": (3,), "plane": (1,)}
"""The teacher's names of each of our kinds, as indices: buses count as cars, sofas as chairs."""


@dataclass(frozen=True)
class DeepLab:
    """Segments photos by an ONNX file of DeepLabv3, which stretches them to a square as it was trained to."""

    file: Path
    name = "DeepLabv3, 21 names"

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        """The mask of the photo, in [0, 1]."""
        return self.segment(photo).mask

    def segment(self, photo: Photo) -> Segmentation:
        """The largest component of the kind that covers most of the picture, and the share of each kind."""
        names = self.names(photo.rgb.cpu().numpy())
        shares = {kind: float(np.isin(names, VOC[kind]).mean()) for kind in KINDS}
        most = max(shares, key=shares.__getitem__)
        mask = torch.from_numpy(np.isin(names, VOC[most]).astype(np.float32))
        total = sum(shares.values())
        # A handful of pixels is no object.
        kinds = {kind: share / total if total > 0.005 else 0.0 for kind, share in shares.items()}
        return Segmentation(largest_component(mask), self.name, kinds)

    def names(self, picture: UInt8[ndarray, "height width 3"]) -> Int[ndarray, "height width"]:
        """The name of every pixel, an index of Pascal VOC's; 0 is the background."""
        return cv2.resize(self.logits(picture), picture.shape[1::-1]).argmax(-1)

    def logits(self, picture: UInt8[ndarray, "height width 3"]) -> Float[ndarray, "257 257 21"]:
        """The logits of each name at every pixel of the picture, which is stretched to a square."""
        square = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        net = network(self.file)
        net.setInput(np.ascontiguousarray((square / 127.5 - 1).transpose(2, 0, 1)[None]))
        return np.ascontiguousarray(net.forward()[0].transpose(1, 2, 0))


@lru_cache(maxsize=1)
def network(file: Path):
    """The network of a file. OpenCV 5 has a second engine, which computes this graph wrong."""
    engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
    return cv2.dnn.readNetFromONNX(str(file), *engine)
