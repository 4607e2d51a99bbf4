"""A picture of a collection: a photo, its mask and its camera, where they are known; and its mirror image."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray

from spir.photo import PhotoError, same_proportions
from spir.types import Camera, Photo


@dataclass(frozen=True)
class Picture:
    name: str
    """Unique in the collection."""
    photo: Photo
    """Alpha is the mask, 0 or 255, where the source has one; else none (or the photo's own alpha)."""
    camera: Camera | None
    """Of the whole picture, a batch of 1; none = unknown."""


@runtime_checkable
class Collection(Protocol):
    """A sequence of pictures, decoded when asked for."""

    name: str
    names: tuple[str, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Picture: ...


class Pictures(Sequence[Picture]):
    """What all readers share: `names` in the order of the pictures, and errors that say which picture.

    A reader keeps no open file, so it can be pickled and used from many processes at once."""

    name: str
    names: tuple[str, ...]

    @abstractmethod
    def read(self, index: int) -> Picture:
        """The picture, decoded; IndexError past the end."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Picture:
        """The picture. Raises PhotoError with its name where it cannot be read."""
        try:
            return self.read(index)
        except (ValueError, OSError) as problem:
            raise PhotoError(f"{self.name}, picture {self.names[index]}: {problem}") from problem


def masked(photo: Photo, mask: Bool[ndarray, "rows columns"]) -> Photo:
    """The photo with alpha 255 where the mask is True; a mask of the photo before it was reduced will do.

    Raises PhotoError where the two differ in shape."""
    height, width = photo.rgb.shape[:2]
    rows, columns = mask.shape
    if not same_proportions(mask.shape, (height, width)):
        raise PhotoError(
            f"The mask ({columns} x {rows}) does not fit the photo ({width} x {height}). "
            "One of them was cropped or turned: take both from the same source."
        )
    alpha = mask.astype(np.uint8) * 255
    if mask.shape != (height, width):
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_NEAREST)
    return Photo(photo.rgb, torch.from_numpy(alpha))


def only_train(split: str, name: str) -> None:
    """Refuse a split of a collection that has none, rather than train on what was meant for testing."""
    if split != "train":
        raise ValueError(
            f"{name} is not divided into splits, so there is no {split!r}: ask for 'train', or divide it yourself"
        )
