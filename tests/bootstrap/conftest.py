"""NOCS maps in closed form (rays against an ellipsoid), and an object with a front and a back."""

import pytest
import torch

from spir.categories import Category
from spir.geometry.camera import rays
from spir.geometry.density import LaplaceDensity
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import FieldSample

AXES = torch.tensor([0.45, 0.35, 0.9])
FOCALS = Category("thing", "thing").focal_guesses


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


class Wedge:
    """A low body with a cabin towards its back: front and back differ in outline and colour, sides do not.

    All items of the batch are the same object."""

    scene_range = 1.0

    def __init__(self, batch):
        self.batch = batch
        self.density = LaplaceDensity(torch.tensor(0.01), torch.tensor(0.01))

    def sdf(self, points):
        body = box_sdf(points, (0, -0.15, 0), (0.35, 0.15, 0.85))
        cabin = box_sdf(points, (0, 0.15, -0.45), (0.3, 0.2, 0.35))
        return torch.minimum(body, cabin)

    def __call__(self, points, directions=None):
        sdf = self.sdf(points)
        ramp = points[..., 2].clamp(-1, 1)
        rgb = torch.stack((ramp, 0.5 * torch.ones_like(ramp), -ramp), -1)
        return FieldSample(sdf, self.density(sdf), rgb)

    def sdf_grid(self, resolution):
        line = torch.linspace(-1, 1, resolution)
        grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).view(1, -1, 3)
        return self.sdf(grid.expand(self.batch, -1, -1)).view(self.batch, *[resolution] * 3)

    def optical_depth(self, start, end, length):
        return self.density.optical_depth(start, end, length)


def box_sdf(points, centre, half):
    """Signed distance to an axis-aligned box."""
    q = (points - torch.tensor(centre)).abs() - torch.tensor(half)
    return q.clamp_min(0).norm(dim=-1) + q.amax(-1).clamp_max(0)


@pytest.fixture(name="Wedge")
def wedge_fixture():
    return Wedge
