"""The pictures that composites are made of: cars with masks, renderings of other kinds, scenes, and
animals."""

import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from spir.data.segmentation.deeplab import VOC, DeepLab
from spir.data.segmentation.split import read_image
from spir.photo import largest_component
from spir.photo.segmenters.onnx import KINDS

CAR, NOTHING = KINDS.index("car"), len(KINDS)
MAX_KNOWN_SHARE = 0.003
"""Scenes in which the teacher finds more of our kinds than this share of the pixels are not used."""
ANIMAL_SHARE = (0.06, 0.75)
"""An animal is used if it covers between these shares of its scene."""


@dataclass
class SourceImages:
    """All source images, decoded once; they take half a gigabyte at most."""

    cars: list[UInt8[ndarray, "_ _ 4"]]
    scenes: list[UInt8[ndarray, "_ _ 3"]]
    others: dict[int, list[UInt8[ndarray, "_ _ 4"]]] = field(default_factory=dict)
    """Renderings of every kind but cars."""
    animals: list[UInt8[ndarray, "_ _ 4"]] = field(default_factory=list)
    """Scenes with a large object of no kind, its mask as alpha."""


def read_cars(path: Path, names: list[str]) -> list[UInt8[ndarray, "_ _ 4"]]:
    """Photos of a tar with their masks as alpha, without the grey bars that make them square."""
    found = []
    with tarfile.open(path) as tar:
        for name in names:
            rgb = read_image(tar, name)
            mask = read_image(tar, name.replace(".jpg", ".png"), cv2.IMREAD_GRAYSCALE)
            mask = (mask > 0).astype(np.uint8) * 255
            bare = (np.abs(rgb.astype(np.int16) - 128).max(-1) <= 6) & (mask == 0)
            rows, columns = np.flatnonzero(bare.mean(1) < 0.9), np.flatnonzero(bare.mean(0) < 0.9)
            if mask.any() and len(rows) and len(columns):
                rgba = np.dstack((rgb, mask))
                found.append(rgba[rows[0] + 1 : rows[-1], columns[0] + 1 : columns[-1]])
    return found


def read_objects(path: Path) -> dict[int, list[UInt8[ndarray, "_ _ 4"]]]:
    """Renderings that `spir.train.segmenter.objects` made, by kind; those too thin to be seen are left
    out."""
    found = {}
    with np.load(path) as file:
        for rgba, kind in zip(file["rgba"], file["kind"].tolist(), strict=True):
            if (rgba[..., 3] > 128).sum() > 100:
                found.setdefault(kind, []).append(rgba)
    return found


def read_animals(
    scenes: list[UInt8[ndarray, "_ _ 3"]], teacher: DeepLab
) -> tuple[list[UInt8[ndarray, "_ _ 3"]], list[UInt8[ndarray, "_ _ 4"]]]:
    """The scenes that show none of our kinds, and those of them with one large object of another kind, masked
    by alpha.

    The latter show a dog mostly. They teach what fur is, and that an object may be of no kind."""
    clean, animals = [], []
    known = [name for names in VOC.values() for name in names]
    for scene in scenes:
        names = teacher.names(scene)
        if np.isin(names, known).mean() > MAX_KNOWN_SHARE:
            continue
        clean.append(scene)
        mask = largest_component(torch.from_numpy((names > 0).astype(np.float32))).numpy()
        if ANIMAL_SHARE[0] < mask.mean() < ANIMAL_SHARE[1] and mask.sum() > 0.8 * (names > 0).sum():
            animals.append(np.dstack((scene, (mask * 255).astype(np.uint8))))
    return clean, animals
