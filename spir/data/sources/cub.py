"""CUB birds with the annotations of CMR: CUB_200_2011/images, data/*_cub_cleaned.mat and sfm/anno_*.mat."""

from pathlib import Path

from spir.categories import CATEGORIES
from spir.data.sources.cmr import CMRPictures
from spir.geometry.frame import Frame

CUB_FRAME = CATEGORIES["cub"].frame
"""Frame of the birds. CMR turns its mean shape so that x grows from the bird's right to its left and y from
crown to tail, which has not been checked on pictures. The unit is half the bird's longest extent without its
wings."""


class CUBPictures(CMRPictures):
    """Birds of one split, with masks and orthographic cameras."""

    looks_for = "CUB_200_2011/images (or images/), data/train_cub_cleaned.mat and sfm/anno_train.mat"

    def __init__(self, path: Path, split: str = "train", frame: Frame = CUB_FRAME) -> None:
        """Read the annotations of a split. Raises ValueError where it has none."""
        annotations = path / "data" / f"{split}_cub_cleaned.mat"
        if not annotations.is_file():
            there = ", ".join(sorted(mat.stem.split("_")[0] for mat in mats(path)))
            raise ValueError(
                f"{path} has no data/{split}_cub_cleaned.mat, only the splits: {there or 'none'}"
            )
        poses = path / "sfm" / f"anno_{split}.mat"
        images = path / "CUB_200_2011" / "images"
        images = images if images.is_dir() else path / "images"
        super().__init__(f"cub-{split}", images, annotations, poses if poses.is_file() else None, frame)

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the folder has this layout."""
        return path.is_dir() and bool(mats(path))


def mats(path: Path) -> list[Path]:
    """The annotation files of all splits."""
    return list(path.glob("data/*_cub_cleaned.mat"))
