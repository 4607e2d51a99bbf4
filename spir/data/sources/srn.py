"""ShapeNet cars and chairs as Scene Representation Networks and pixelNeRF distribute them.

OBJECT/rgb/000000.png on white, OBJECT/pose/000000.txt (camera to world, 16 numbers, computer vision's camera
axes), OBJECT/intrinsics.txt ("f cx cy 0" in pixels first, "height width" last). No masks.
"""

from pathlib import Path

import numpy as np

from spir.categories import CATEGORIES
from spir.data.sources.picture import Picture, Pictures
from spir.geometry.frame import Frame
from spir.photo import read_photo

SRN_FRAME = CATEGORIES["shapenet_cars"].frame
"""Frame of the objects. ShapeNetCore v2 has +Y up and -Z in front; Blender's import turned that into +Z up
and +Y in front. Code that renders such cars on streets says the same (a car driving along +x is turned by 90
degrees about z). Up is certain; the front has not been checked on pictures."""
SPLITS = ("train", "val", "test")
CENTRE_TOLERANCE = 0.01
"""Largest offset of the optical axis from the middle, picture widths; our cameras have none."""


class SRNPictures(Pictures):
    """Every view of every object, named OBJECT/VIEW."""

    looks_for = "OBJECT/{rgb/*.png, pose/*.txt, intrinsics.txt}, directly or in a folder named *_train"

    def __init__(self, path: Path, split: str = "train", frame: Frame = SRN_FRAME) -> None:
        """List the pictures; poses are read with them. Raises ValueError where the split is not there."""
        self.folder = objects_folder(path, split)
        self.frame = frame
        self.name = self.folder.resolve().name
        views = self.folder.glob("*/rgb/*.png")
        self.names = tuple(sorted(f"{file.parent.parent.name}/{file.stem}" for file in views))

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the folder has this layout."""
        return path.is_dir() and any(candidates(path, split) for split in SPLITS)

    def read(self, index: int) -> Picture:
        """The picture with its camera."""
        item, view = self.names[index].split("/")
        photo = read_photo(self.folder / item / "rgb" / f"{view}.png")
        pose = np.loadtxt(self.folder / item / "pose" / f"{view}.txt").reshape(4, 4)
        focal = focal_widths(self.folder / item / "intrinsics.txt")
        return Picture(self.names[index], photo, self.frame.perspective(pose, focal, vision=True))


def candidates(path: Path, split: str) -> list[Path]:
    """The folders that hold objects of a split: the one given, or those below it (chairs lie one deeper)."""
    below = [*sorted(path.glob(f"*_{split}")), *sorted(path.glob(f"*_{split}/*_{split}"))]
    named = path.resolve().name.rpartition("_")[2]
    # Objects in a folder without a split's name are for training, and never for a test.
    folders = [path, *below] if split == (named if named in SPLITS else "train") else below
    return [folder for folder in folders if next(folder.glob("*/intrinsics.txt"), None)]


def objects_folder(path: Path, split: str) -> Path:
    """The one folder of a split. Raises ValueError where there is none, or several."""
    found = candidates(path, split)
    if len(found) != 1:
        many = f"several: {', '.join(folder.name for folder in found)}" if found else "none"
        raise ValueError(
            f"{path} must hold one folder of {split!r} objects, but has {many}. Each object is a folder with "
            f"rgb/, pose/ and intrinsics.txt; the splits ({', '.join(SPLITS)}) end the names of the folders above."
        )
    return found[0]


def focal_widths(file: Path) -> float:
    """The focal length in picture widths. Raises ValueError where the optical axis is not in the middle."""
    lines = file.read_text().split("\n")
    focal, x0, y0 = (float(word) for word in lines[0].split()[:3])
    height, width = (int(word) for word in next(line for line in reversed(lines) if line.strip()).split())
    if max(abs(x0 - width / 2), abs(y0 - height / 2)) > CENTRE_TOLERANCE * width:
        raise ValueError(f"{file}: the optical axis meets ({x0}, {y0}), not the middle of {width} x {height}")
    return focal / width
