"""NOCS maps in closed form: rays against an ellipsoid."""

import pytest
import torch

from spir.categories import Category
from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose, look_at_pose

AXES = torch.tensor([0.45, 0.35, 0.9])
FOCALS = Category("thing").focal_guesses


def ellipsoid_maps(pose, size=64, pixel_centre=0.5, axes=AXES):
    """NOCS (batch, size, size, 3), zero outside, and mask (batch, size, size) of |x / axes| = 1."""
    camera = camera_from_pose(pose)
    camera = type(camera)(camera.cam2world.double(), None if camera.focal is None else camera.focal.double())
    origin, direction = rays(camera, size, size, pixel_centre)
    o, d = origin / axes, direction / axes
    a, b, c = (d * d).sum(-1), (o * d).sum(-1), (o * o).sum(-1) - 1
    inside = b * b - a * c
    t = (-b - inside.clamp_min(0).sqrt()) / a
    mask = (inside > 0) & (t > 0)
    points = (origin + t[..., None] * direction) * mask[..., None]
    return points.float(), mask.float()


def random_pose(count, seed, focal=True):
    """Views from all around, focal lengths among FOCALS, the whole object in the picture."""
    g = torch.Generator().manual_seed(seed)
    uniform = lambda low, high: low + (high - low) * torch.rand(count, generator=g)  # noqa: E731
    picks = torch.tensor(FOCALS)[torch.randint(len(FOCALS), (count,), generator=g)]
    return look_at_pose(
        uniform(-180, 180),
        uniform(-10, 50),
        uniform(-15, 15),
        picks if focal else None,
        uniform(0.6, 0.8),
        torch.stack((uniform(-0.15, 0.15), uniform(-0.15, 0.15)), -1),
    )


@pytest.fixture(name="ellipsoid_maps")
def ellipsoid_maps_fixture():
    return ellipsoid_maps


@pytest.fixture(name="random_pose")
def random_pose_fixture():
    return random_pose
