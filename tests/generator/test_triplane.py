"""The plane sampler against bilinear interpolation written out; hostile points."""

import math

import pytest
import torch

from spir.generator.triplane import resample_planes, sample_planes, turned
from spir.geometry.frame import Frame


def bilinear(plane: torch.Tensor, u: float, v: float) -> torch.Tensor:
    """One plane (channel, height, width) at u along the width, v along the height, both in [-1, 1]."""
    side = plane.shape[-1] - 1
    column, row = ((min(max(value, -1.0), 1.0) + 1) / 2 * side for value in (u, v))
    left, top = min(int(column), side - 1), min(int(row), side - 1)
    across, down = column - left, row - top
    upper = plane[:, top, left] * (1 - across) + plane[:, top, left + 1] * across
    lower = plane[:, top + 1, left] * (1 - across) + plane[:, top + 1, left + 1] * across
    return upper * (1 - down) + lower * down


def test_sampler_is_the_mean_of_three_bilinear_look_ups():
    torch.manual_seed(0)
    planes = torch.randn(2, 3, 4, 7, 7)
    points = torch.rand(2, 40, 3) * 2.6 - 1.3
    points[0, :3] = torch.tensor([[1.0, 1, 1], [-1, -1, -1], [1, -1, 0]])
    found = sample_planes(planes, points)
    for item in range(2):
        for index in range(40):
            x, y, z = points[item, index].tolist()
            xy, xz, yz = planes[item]
            twin = (bilinear(xy, x, y) + bilinear(xz, x, z) + bilinear(yz, y, z)) / 3
            torch.testing.assert_close(found[item, index], twin, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("plane, blind", [(0, 2), (1, 1), (2, 0)])
def test_each_plane_sees_exactly_two_directions(plane, blind):
    planes = torch.zeros(1, 3, 1, 8, 8)
    planes[0, plane] = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    here = torch.tensor([[[0.11, 0.13, 0.17]]])
    for axis in range(3):
        there = here + 0.3 * torch.eye(3)[axis]
        moved = sample_planes(planes, there) != sample_planes(planes, here)
        assert bool(moved.all()) == (axis != blind)


def test_points_that_are_not_finite_survive_backward():
    planes = torch.randn(1, 3, 2, 5, 5, requires_grad=True)
    points = torch.zeros(1, 64, 3)
    points[0, ::4, 0], points[0, 1::4, 1], points[0, 2::4, 2] = math.nan, math.inf, -math.inf
    points[0, 3::4] = 1e38
    points.requires_grad_()
    found = sample_planes(planes, points)
    found.sum().backward()
    assert found.isfinite().all() and planes.grad.isfinite().all()
    assert (points.grad[~points.isfinite()] == 0).all()
    assert points.grad.isfinite().all()


def test_gradients_agree_with_differences():
    torch.manual_seed(0)
    planes = torch.randn(1, 3, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    points = (torch.rand(1, 6, 3, dtype=torch.float64) * 1.8 - 0.9).requires_grad_()
    assert torch.autograd.gradcheck(sample_planes, (planes, points))


def test_resampling_is_sampling_a_regular_grid():
    torch.manual_seed(0)
    planes = torch.randn(2, 3, 4, 7, 7)
    planes[:, 1:] = 0
    line = torch.linspace(-1, 1, 5)
    y, x = torch.meshgrid(line, line, indexing="ij")
    points = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(1, 25, 3).expand(2, -1, -1)
    seen = sample_planes(planes, points).view(2, 5, 5, 4).permute(0, 3, 1, 2)
    torch.testing.assert_close(resample_planes(planes, 5)[:, 0] / 3, seen)


FRAMES = (
    ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0)),
)


@pytest.mark.parametrize("up, front", FRAMES)
def test_turned_planes_are_the_object_in_other_axes(up, front):
    planes = torch.randn(2, 3, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    points = torch.rand(2, 50, 3, generator=torch.Generator().manual_seed(1)) * 2.2 - 1.1
    axes = torch.tensor(Frame(up, front, 1.0).axes, dtype=torch.float32)
    seen = sample_planes(turned(planes, tuple(map(tuple, axes.tolist()))), points)
    torch.testing.assert_close(seen, sample_planes(planes, points @ axes), atol=1e-6, rtol=1e-5)


def test_oblique_axes_are_refused():
    with pytest.raises(ValueError, match="not along"):
        turned(torch.zeros(1, 3, 1, 4, 4), ((0.6, 0.8, 0.0), (-0.8, 0.6, 0.0), (0.0, 0.0, 1.0)))
