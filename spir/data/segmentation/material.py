"""What composites are made of: cars with their masks, renderings of other kinds, scenes, and animals of no kind."""

import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from spir.data.segmentation.deeplab import VOC, DeepLab
from spir.data.segmentation.split import decoded
from spir.photo import largest_component
from spir.photo.finding import KINDS

CAR, NOTHING = KINDS.index("car"), len(KINDS)
LITTLE = 0.003
"""A scene where the teacher sees more of our kinds, as a share of its pixels, is not used."""
LARGE = (0.06, 0.75)
"""How much of a scene an animal takes that is worth learning from."""


@dataclass
class Material:
    """Everything composites are made of, decoded once: half a gigabyte at most."""

    cars: list[UInt8[ndarray, "_ _ 4"]]
    scenes: list[UInt8[ndarray, "_ _ 3"]]
    others: dict[int, list[UInt8[ndarray, "_ _ 4"]]] = field(default_factory=dict)
    """Of every kind but cars."""
    animals: list[UInt8[ndarray, "_ _ 4"]] = field(default_factory=list)
    """Scenes with a large thing of no kind, its mask as alpha."""


def read_cars(path: Path, names: list[str]) -> list[UInt8[ndarray, "_ _ 4"]]:
    """Photos with masks as alpha, without the grey bars that make them square."""
    found = []
    with tarfile.open(path) as tar:
        for name in names:
            rgb = decoded(tar, name)
            mask = decoded(tar, name.replace(".jpg", ".png"), cv2.IMREAD_GRAYSCALE)
            mask = (mask > 0).astype(np.uint8) * 255
            bare = (np.abs(rgb.astype(np.int16) - 128).max(-1) <= 6) & (mask == 0)
            rows, columns = np.flatnonzero(bare.mean(1) < 0.9), np.flatnonzero(bare.mean(0) < 0.9)
            if mask.any() and len(rows) and len(columns):
                rgba = np.dstack((rgb, mask))
                found.append(rgba[rows[0] + 1 : rows[-1], columns[0] + 1 : columns[-1]])
    return found


def read_objects(path: Path) -> dict[int, list[UInt8[ndarray, "_ _ 4"]]]:
    """What `spir.train.segmenter.objects` made, by kind; those too thin to be seen are left out."""
    found = {}
    with np.load(path) as file:
        for rgba, kind in zip(file["rgba"], file["kind"].tolist(), strict=True):
            if (rgba[..., 3] > 128).sum() > 100:
                found.setdefault(kind, []).append(rgba)
    return found


def read_animals(
    scenes: list[UInt8[ndarray, "_ _ 3"]], teacher: DeepLab
) -> tuple[list[UInt8[ndarray, "_ _ 3"]], list[UInt8[ndarray, "_ _ 4"]]]:
    """The scenes that show none of our kinds, and those of them with one large thing that the teacher has another name
    for, a dog mostly: with its mask as alpha. They teach what fur is, and that a thing may be of no kind."""
    clean, animals = [], []
    known = [name for names in VOC.values() for name in names]
    for scene in scenes:
        names = teacher.names(scene)
        if np.isin(names, known).mean() > LITTLE:
            continue
        clean.append(scene)
        mask = largest_component(torch.from_numpy((names > 0).astype(np.float32))).numpy()
        if LARGE[0] < mask.mean() < LARGE[1] and mask.sum() > 0.8 * (names > 0).sum():
            animals.append(np.dstack((scene, (mask * 255).astype(np.uint8))))
    return clean, animals
