"""What the small segmenter never sees in training: the last 1,000 car photos and 60 scenes, by name."""

import tarfile
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

PHOTOS_HELD = 1000
SCENES_HELD = 60
EVERY = 14
"""Every so manieth scene by name is kept out, so all sorts are among them."""


def members(path: Path, ending: str = ".jpg") -> list[str]:
    """Names in a tar that end so, sorted."""
    with tarfile.open(path) as tar:
        return sorted(name for name in tar.getnames() if name.endswith(ending))


def photo_names(path: Path) -> tuple[list[str], list[str]]:
    """Photos to train on, and those kept out."""
    names = members(path)
    return names[:-PHOTOS_HELD], names[-PHOTOS_HELD:]


def scene_names(path: Path) -> tuple[list[str], list[str]]:
    """Scenes to train on, and those kept out."""
    names = members(path)
    held = names[EVERY // 2 :: EVERY][:SCENES_HELD]
    return [name for name in names if name not in set(held)], held


def decoded(tar: tarfile.TarFile, name: str, flag: int = cv2.IMREAD_COLOR_RGB) -> ndarray:
    """A picture of an open tar, red first. Raises ValueError where it is none."""
    found = cv2.imdecode(np.frombuffer(tar.extractfile(name).read(), np.uint8), flag)
    if found is None:
        raise ValueError(f"{name} is no picture")
    return found


def read_scenes(path: Path, names: list[str]) -> list[UInt8[ndarray, "_ _ 3"]]:
    """Scenes of a tar, each of its own size."""
    with tarfile.open(path) as tar:
        return [decoded(tar, name) for name in names]
