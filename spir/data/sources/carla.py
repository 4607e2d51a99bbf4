"""The CARLA cars of GRAF: images/*.png (or *.png) on white, and poses/NAME_extrinsics.npy, 3x4 camera to
world.

One focal length for all; the cameras' axes are ours (looking along -z, y up). No masks, no splits.
"""

from math import radians, tan
from pathlib import Path

import numpy as np

from spir.categories import CATEGORIES
from spir.data.sources.picture import Picture, Pictures, only_train
from spir.geometry.frame import Frame
from spir.photo import read_photo

CARLA_FRAME = CATEGORIES["carla"].frame
"""Frame of the cars. Up is certain, and so is that they lie along x: others mirror the cameras by y -> -y.
That the front is +x is the simulator's own convention and has not been checked on pictures."""
FIELD_OF_VIEW_DEG = 30.0
POSE_ENDING = "_extrinsics.npy"


class CARLAPictures(Pictures):
    """One view of each car, with its camera."""

    looks_for = "images/*.png (or *.png) and poses/ (or carla_poses/) with NAME_extrinsics.npy"

    def __init__(self, path: Path, split: str = "train", frame: Frame = CARLA_FRAME) -> None:
        """List the pictures that have a pose. Raises ValueError where there is none."""
        only_train(split, path.name)
        self.frame = frame
        self.name = path.resolve().name
        self.poses = poses_folder(path)
        self.images = path / "images" if (path / "images").is_dir() else path
        files = sorted(self.images.glob("*.png"))
        self.names = tuple(file.stem for file in files if (self.poses / (file.stem + POSE_ENDING)).is_file())
        if not self.names:
            raise ValueError(
                f"no picture in {self.images} has a pose in {self.poses}: look for {self.looks_for}"
            )

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the folder has this layout."""
        return path.is_dir() and next(poses_folder(path).glob(f"*{POSE_ENDING}"), None) is not None

    def read(self, index: int) -> Picture:
        """The picture with its camera."""
        name = self.names[index]
        photo = read_photo(self.images / f"{name}.png")
        pose = np.load(self.poses / (name + POSE_ENDING), allow_pickle=False)
        focal = 0.5 / tan(radians(FIELD_OF_VIEW_DEG / 2))
        return Picture(name, photo, self.frame.perspective(pose, focal, vision=False))


def poses_folder(path: Path) -> Path:
    """The folder of the poses, called `poses` or, in the archive, `carla_poses`; it may not exist."""
    return path / "poses" if (path / "poses").is_dir() else path / "carla_poses"
