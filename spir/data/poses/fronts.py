"""Labels of a person for photos: to which side of the picture the object's front points.

Bootstrapping alone cannot find this out: an encoder that has only seen renderings takes some real fronts for
backs, confidently and consistently. A label costs a person a second, and a few hundred of them are enough.
"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from spir.bootstrap.hypotheses import choose, turned_quaternions
from spir.geometry.rotation import matrix_from_quaternion
from spir.types import Pose

SIDES = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "near": (0.0, 1.0), "far": (0.0, -1.0)}
"""Direction of the front for each label: across the picture (x right), and out of it, towards the camera."""
MIN_COSINE = 0.1
"""Smallest cosine between the front and the direction of its label."""


def read_fronts(path: Path) -> dict[str, str]:
    """Labels by photo, from a CSV with the columns name and side. Raises ValueError, with the line, for
    anything else."""
    found = {}
    with path.open(newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            if not row.get("name") or row.get("side") not in SIDES:
                raise ValueError(f"{path}, line {line}: want a name and one of {', '.join(SIDES)}, not {row}")
            found[row["name"]] = row["side"]
    return found


def agrees(pose: Pose, sides: Sequence[str | None]) -> Bool[Tensor, " batch"]:
    """Whether each pose has the front where its label says; none = anywhere."""
    front = matrix_from_quaternion(pose.quaternion)[:, :, 2][:, [0, 2]]
    wanted = [SIDES.get(side or "", (0.0, 0.0)) for side in sides]
    along = (front * front.new_tensor(wanted)).sum(1)
    free = torch.tensor([side is None for side in sides], device=front.device)
    return free | (along > MIN_COSINE)


def turn_to_agree(pose: Pose, sides: Sequence[str | None]) -> Pose:
    """Turn the poses whose front points elsewhere, by half a turn, which keeps most outlines, or else by a
    quarter.

    The rest stay as they are."""
    found, fine = pose, agrees(pose, sides)
    # Indices of these turns in `hypotheses.NAMES`.
    for place in (2, 4, 5):
        other = replace(pose, quaternion=turned_quaternions(pose)[:, place])
        better = ~fine & agrees(other, sides)
        found, fine = choose(better, other, found), fine | better
    return found
