"""Poses to test on: random ones, and the authors' with what their code made of them."""

from pathlib import Path

import numpy as np
import torch

from spir.types import Pose

FIXTURE = {
    name: torch.from_numpy(array)
    for name, array in np.load(Path(__file__).parent / "fixture_cameras.npz").items()
}


def authors_pose(orthographic: bool = False) -> Pose:
    return Pose(None if orthographic else FIXTURE["z0"], FIXTURE["t2"], FIXTURE["scale"], FIXTURE["q"])


def random_pose(orthographic: bool, count: int = 6) -> Pose:
    draw = torch.Generator().manual_seed(5)
    normal = torch.randn(count, 8, generator=draw, dtype=torch.float64)
    quaternion = torch.nn.functional.normalize(normal[:, :4], dim=-1)
    z0 = None if orthographic else 0.5 * normal[:, 4]
    return Pose(z0, 0.3 * normal[:, 5:7], torch.exp(0.2 * normal[:, 7]), quaternion)
