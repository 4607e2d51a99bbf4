"""Pascal3D+ cars with the annotations of CMR and UMR: PASCAL3D+_release1.1/Images,
*/car_{train,val,all}.mat."""

from pathlib import Path

from spir.data.sources.cmr import CMRPictures
from spir.geometry.frame import Frame

P3D_FRAME = Frame(up=(0.0, 0.0, 1.0), front=(0.0, -1.0, 0.0), half_side=1.1)
"""Frame of the cars. CMR turns its mean shape so that x grows from the car's right to its left and y from
front to back; the paper follows it, which has not been checked on pictures. The unit is half the distance
from a headlight to the opposite end, so 1.1 makes a car about 1.8 object units long."""


class P3DPictures(CMRPictures):
    """Cars of one split, with masks, and orthographic cameras where the split's `sfm` file is there."""

    looks_for = "PASCAL3D+_release1.1/Images, data/car_train.mat and sfm/car_train.mat"

    def __init__(self, path: Path, split: str = "train", frame: Frame = P3D_FRAME) -> None:
        """Read the annotations of a split. Raises ValueError where it has none."""
        annotations = [mat for mat in mats(path, split) if "sfm" not in mat.parent.name]
        poses = [mat for mat in mats(path, split) if "sfm" in mat.parent.name]
        if not annotations:
            there = ", ".join(sorted({mat.stem.removeprefix("car_") for mat in mats(path, "*")}))
            raise ValueError(f"{path} has no car_{split}.mat, only the splits: {there or 'none'}")
        super().__init__(f"p3d-{split}", images_folder(path), annotations[0], next(iter(poses), None), frame)

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the folder has this layout."""
        return path.is_dir() and images_folder(path).is_dir() and bool(mats(path, "*"))


def mats(path: Path, split: str) -> list[Path]:
    """The annotation files of a split, up to two folders deep."""
    return sorted(path.glob(f"*/car_{split}.mat")) + sorted(path.glob(f"*/*/car_{split}.mat"))


def images_folder(path: Path) -> Path:
    """The folder that the annotations' paths are relative to."""
    return path / "PASCAL3D+_release1.1" / "Images"
