"""The table of poses that bootstrapping makes of a collection of photos: camera, code and scores of each."""

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
"""Cameras are counted in so many sectors of azimuth around the object."""


@dataclass(frozen=True)
class PoseTable(Movable):
    """A row for each photo, in the order of the collection; photos without an object are left out."""

    names: tuple[str, ...]
    pose: Pose
    """Pose of the camera of the square crop that `spir.photo.cutout` makes."""
    w: Float[Tensor, "photo layers width"]
    """Code of the fit."""
    reprojection: Float[Tensor, " photo"]
    """Root mean square error of PnP, picture widths; infinite where it failed."""
    iou: Float[Tensor, " photo"]
    """Intersection over union of the fit's silhouette and the cut-out."""
    loss: Float[Tensor, " photo"]
    """Loss of the short inversion at its end."""
    spread: Float[Tensor, " photo"]
    """How far the encoder's predictions for recoloured copies of the photo lie apart, object units."""
    front_known: Bool[Tensor, " photo"]
    """Whether a person labelled where the front points, and the fit ended there."""
    kept: Bool[Tensor, " photo"]
    """Whether the pose is good enough to learn from."""

    def __len__(self) -> int:
        return len(self.names)

    def row(self, name: str) -> int | None:
        """The row of a photo; none for a photo that is not there."""
        return self.index.get(name)

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each photo, by name."""
        return {name: row for row, name in enumerate(self.names)}

    @property
    def sectors(self) -> Int[Tensor, " photo"]:
        """The sector of each camera by azimuth, of `SECTORS` in all; the first begins at -180 degrees, behind
        the object."""
        azimuth = torch.remainder(view_from_rotation(self.pose.quaternion)[0] + 180, 360)
        return (azimuth * SECTORS / 360).long().clamp(max=SECTORS - 1)


SCORES = ("reprojection", "iou", "loss", "spread", "front_known", "kept")
FILE_NAMES = {"front_known": "told"}
"""Scores whose name in the file is another."""
POSE = tuple(field.name for field in fields(Pose))


def save_table(path: Path, table: PoseTable) -> None:
    """Write a table as safetensors; the names of the photos lie in its metadata."""
    tensors = {FILE_NAMES.get(name, name): getattr(table, name) for name in SCORES} | {"w": table.w.half()}
    tensors |= {
        f"pose.{name}": getattr(table.pose, name) for name in POSE if getattr(table.pose, name) is not None
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(tensors, path, {"names": json.dumps(table.names)})


def load_table(path: Path) -> PoseTable:
    """Read a table that `save_table` wrote. Raises ValueError, which says what to do, for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            names = tuple(json.loads(file.metadata()["names"]))
        held = {name: tensors[f"pose.{name}"] for name in POSE if name != "z0"}
        pose = Pose(z0=tensors.get("pose.z0"), **held)
        scores = {name: tensors[FILE_NAMES.get(name, name)] for name in SCORES}
        return PoseTable(names, pose, tensors["w"].float(), **scores)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise ValueError(
            f"{path} is no table of poses ({problem}). Make one with python -m spir.data.poses."
        ) from problem
