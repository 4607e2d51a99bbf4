"""What bootstrapping found out about a collection of photos: camera, code and how far each can be trusted."""

import json
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from spir.geometry.rotation import view_from_rotation
from spir.types import Movable, Pose

SECTORS = 12
"""Around an object, for counting where cameras stood."""


@dataclass(frozen=True)
class PoseTable(Movable):
    """One row per photo, in the order of the collection; photos without an object are left out."""

    names: tuple[str, ...]
    pose: Pose
    """Of the square crop that `spir.photo.cutout` makes."""
    w: Float[Tensor, "photo layers width"]
    """The code of the fit."""
    reprojection: Float[Tensor, " photo"]
    """Root mean square error of PnP, picture widths; infinite where it failed."""
    iou: Float[Tensor, " photo"]
    """Silhouette of the fit against the cut-out."""
    loss: Float[Tensor, " photo"]
    """Of the short inversion at its end."""
    spread: Float[Tensor, " photo"]
    """How far the encoder's answers to recoloured copies of the photo lie apart, object units."""
    told: Bool[Tensor, " photo"]
    """Whether somebody said where the front points, and the fit ended there."""
    kept: Bool[Tensor, " photo"]
    """Whether all of this is good enough to learn from."""

    def __len__(self) -> int:
        return len(self.names)

    def row(self, name: str) -> int | None:
        """Where a photo stands; none for a photo that is not there."""
        return self.index.get(name)

    @cached_property
    def index(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    @property
    def sectors(self) -> Int[Tensor, " photo"]:
        """In which of the `SECTORS` around the object each camera stands, by azimuth from -180 degrees, straight
        behind it."""
        azimuth = torch.remainder(view_from_rotation(self.pose.quaternion)[0] + 180, 360)
        return (azimuth * SECTORS / 360).long().clamp(max=SECTORS - 1)


SCORES = ("reprojection", "iou", "loss", "spread", "told", "kept")
POSE = tuple(field.name for field in fields(Pose))


def save_table(path: Path, table: PoseTable) -> None:
    """Write a table as safetensors; the names lie in its metadata."""
    tensors = {name: getattr(table, name) for name in SCORES} | {"w": table.w.half()}
    tensors |= {
        f"pose.{name}": getattr(table.pose, name) for name in POSE if getattr(table.pose, name) is not None
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(tensors, path, {"names": json.dumps(table.names)})


def load_table(path: Path) -> PoseTable:
    """Read what `save_table` wrote. Raises ValueError, with the way out, for anything else."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            names = tuple(json.loads(file.metadata()["names"]))
        pose = Pose(**{name: tensors.get(f"pose.{name}") for name in POSE})
        return PoseTable(names, pose, tensors["w"].float(), **{name: tensors[name] for name in SCORES})
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise ValueError(
            f"{path} is no table of poses ({problem}). Make one with python -m spir.data.poses."
        ) from problem
