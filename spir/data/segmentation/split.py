"""The split of the small segmenter's data: the last 1,000 car photos and 60 scenes, by name, are held out."""

import tarfile
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

PHOTOS_HELD = 1000
SCENES_HELD = 60
EVERY = 14
"""One in so many scenes, by name, is held out, so that all sorts are among them."""


def members(path: Path, ending: str = ".jpg") -> list[str]:
    """The names in a tar that end with `ending`, sorted."""
    with tarfile.open(path) as tar:
        return sorted(name for name in tar.getnames() if name.endswith(ending))


def photo_names(path: Path) -> tuple[list[str], list[str]]:
    """The names of the photos to train on, and of those held out."""
    names = members(path)
    return names[:-PHOTOS_HELD], names[-PHOTOS_HELD:]


def scene_names(path: Path) -> tuple[list[str], list[str]]:
    """The names of the scenes to train on, and of those held out."""
    names = members(path)
    held = names[EVERY // 2 :: EVERY][:SCENES_HELD]
    return [name for name in names if name not in set(held)], held


def read_image(tar: tarfile.TarFile, name: str, flag: int = cv2.IMREAD_COLOR_RGB) -> ndarray:
    """A picture of an open tar, in RGB order unless `flag` says otherwise. Raises ValueError where it is
    none."""
    file = tar.extractfile(name)
    found = None if file is None else cv2.imdecode(np.frombuffer(file.read(), np.uint8), flag)
    if found is None:
        raise ValueError(f"{name} is no picture")
    return found


def read_scenes(path: Path, names: list[str]) -> list[UInt8[ndarray, "_ _ 3"]]:
    """The scenes of a tar that are named, each of its own size."""
    with tarfile.open(path) as tar:
        return [read_image(tar, name) for name in names]
