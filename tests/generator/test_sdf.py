"""The field: grid and points agree, the cube bounds the density, every direction counts."""

import math

import pytest
import torch

from spir.generator import sdf as sdf_module
from spir.types import Code


def grid_points(side: int, reach: float) -> torch.Tensor:
    line = torch.linspace(-reach, reach, side)
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).reshape(1, -1, 3)


@pytest.fixture
def field(small):
    return small.field(Code(torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(0))))


@pytest.mark.parametrize("slab", [1, 2000, 2**22])
def test_grid_is_the_sdf_at_its_points(field, slab, monkeypatch):
    monkeypatch.setattr(sdf_module, "SLAB_FLOATS", slab)
    points = grid_points(9, field.scene_range).expand(2, -1, -1)
    torch.testing.assert_close(field.sdf_grid(9), field.sdf(points).view(2, 9, 9, 9), rtol=1e-4, atol=1e-5)


def test_grid_has_gradients(field, small):
    field.sdf_grid(5).sum().backward()
    assert small.synthesis_network.b4.const.grad.abs().sum() > 0


def test_sdf_alone_is_the_sdf_of_the_sample(field):
    points = torch.rand(2, 30, 3) - 0.5
    torch.testing.assert_close(field.sdf(points), field(points).sdf)


def test_density_follows_the_law_inside_and_vanishes_outside(field, small):
    points = torch.rand(2, 200, 3, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    sample = field(points)
    inside = (points.abs() <= 0.8).all(-1)
    assert inside.any() and not inside.all()
    torch.testing.assert_close(sample.density[inside], small.density(sample.sdf)[inside])
    assert (sample.density[~inside] == 0).all() and (sample.density[inside] > 0).all()


def test_points_that_are_not_finite_are_empty_and_survive_backward(field, small):
    points = torch.full((2, 4, 3), math.nan)
    points[:, 0], points[:, 1] = math.inf, 0.1
    points.requires_grad_()
    sample = field(points)
    (sample.density.sum() + sample.rgb.sum() + sample.sdf.sum()).backward()
    assert sample.sdf.isfinite().all() and sample.rgb.isfinite().all()
    assert (sample.density[:, [0, 2, 3]] == 0).all() and (sample.density[:, 1] > 0).all()
    assert points.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in small.parameters())


@pytest.mark.parametrize("axis", range(3))
def test_each_direction_changes_the_field(field, axis):
    here = torch.full((2, 1, 3), 0.07)
    there = here + 0.2 * torch.eye(3)[axis]
    assert (field.sdf(there) - field.sdf(here)).abs().min() > 1e-4


def test_points_are_in_object_units(field):
    """The corner of the cube is the corner pixel of every plane."""
    corner = torch.full((2, 1, 3), field.scene_range)
    feature = field.planes[..., -1, -1].mean(1)
    torch.testing.assert_close(field.features(corner)[:, 0], feature)


def test_optical_depth_of_a_short_segment_is_density_times_length(field, small):
    start = torch.tensor([[0.01, -0.02], [0.0, 0.3]])
    depth = field.optical_depth(start, start + 1e-5, torch.full((2, 2), 0.1))
    torch.testing.assert_close(depth, 0.1 * small.density(start), rtol=1e-3, atol=1e-5)
