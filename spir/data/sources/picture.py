"""A picture of a collection: a photo, with its mask and its camera where they are known."""

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
    """A photo of a collection."""

    name: str
    """Name, unique in the collection."""
    photo: Photo
    """The photo, whose alpha is the mask, 0 or 255, where the source has one; else none (or the photo's own
    alpha)."""
    camera: Camera | None
    """Camera of the whole picture, a batch of 1; none = unknown."""


@runtime_checkable
class Collection(Protocol):
    """A sequence of pictures, which are decoded when they are indexed."""

    name: str
    names: tuple[str, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Picture: ...


class Pictures(Sequence[Picture]):
    """Base class of all readers: `names` in the order of the pictures, and errors that say which picture.

    A reader keeps no open file, so it can be pickled and used from many processes at once."""

    name: str
    names: tuple[str, ...]

    @abstractmethod
    def read(self, index: int) -> Picture:
        """Decode a picture. Raises IndexError past the end."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Picture:
        """The picture of that index. Raises PhotoError with its name where it cannot be read."""
        try:
            return self.read(index)
        except (ValueError, OSError) as problem:
            raise PhotoError(f"{self.name}, picture {self.names[index]}: {problem}") from problem


def masked(photo: Photo, mask: Bool[ndarray, "rows columns"]) -> Photo:
    """The photo with alpha 255 where the mask is True; the mask may have the size from before the photo was
    reduced.

    Raises PhotoError where the two differ in proportions."""
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
    """Raise ValueError for a split of a collection that has none, rather than train on test pictures."""
    if split != "train":
        raise ValueError(
            f"{name} is not divided into splits, so there is no {split!r}: ask for 'train', or divide it yourself"
        )
