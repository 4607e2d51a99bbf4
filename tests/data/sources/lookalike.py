"""Tiny look-alikes of data sets: pictures with a coloured dot where an object's front, top and left land."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from spir.data.collection import Picture
from spir.geometry.camera import project

COLOURS = {"front": (255, 0, 0), "top": (0, 255, 0), "left": (0, 0, 255)}
OURS = {"front": (0.0, 0.0, 1.0), "top": (0.0, 1.0, 0.0), "left": (1.0, 0.0, 0.0)}
"""Where these lie in our frame, one unit from the centre."""


def dotted(size: tuple[int, int], dots: dict[str, np.ndarray], background: int = 255) -> np.ndarray:
    """A picture of (height, width) with a 5 x 5 dot around each (x, y), pixels from the upper left corner."""
    picture = np.full((*size, 3), background, np.uint8)
    for name, (x, y) in dots.items():
        column, row = int(x), int(y)
        assert 2 <= column < size[1] - 2 and 2 <= row < size[0] - 2, "the look-alike's dot lies outside"
        picture[row - 2 : row + 3, column - 2 : column + 3] = COLOURS[name]
    return picture


def save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(
        path, **({"quality": 98, "subsampling": 0} if path.suffix == ".jpg" else {})
    )


def landing(picture: Picture, name: str, distance: float) -> np.ndarray:
    """Where our point of that name lands, pixels from the upper left corner."""
    point = torch.tensor([[OURS[name]]]) * distance
    u, v = project(picture.camera, point)[0][0, 0].tolist()
    height, width = picture.photo.rgb.shape[:2]
    return np.array((width / 2 + u * width, height / 2 - v * width))


def assert_dots(picture: Picture, distances: dict[str, float]) -> None:
    """Every dot of the picture lies where our camera sees our point."""
    for name, distance in distances.items():
        column, row = landing(picture, name, distance).astype(int)
        found = picture.photo.rgb[row, column].numpy().astype(int)
        assert np.abs(found - COLOURS[name]).max() < 60, f"{name}: {found} at {column}, {row}"


def look_at_vision(eye: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Camera to world, 4x4, of a camera at `eye` that sees the origin in its middle; x right, y down, z
    forward."""
    forward = -eye / np.linalg.norm(eye)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack((right, np.cross(forward, right), forward), axis=1)
    pose[:3, 3] = eye
    return pose


def seen(pose: np.ndarray, focal_px: float, size: tuple[int, int], point: np.ndarray) -> np.ndarray:
    """The pixel where a camera of computer vision's kind sees a point of its world."""
    x, y, z = pose[:3, :3].T @ (np.asarray(point) - pose[:3, 3])
    return np.array((focal_px * x / z + size[1] / 2, focal_px * y / z + size[0] / 2))
