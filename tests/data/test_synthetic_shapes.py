"""Made-up chairs, birds and planes: whole, of the frame, no two alike, and repeatable."""

import numpy as np
import pytest
import torch

from spir.data.procedural.synthetic_shapes import BUILDERS, pattern, synthetic_shape
from spir.formulas.car_field import LENGTH_UNITS


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("seed", range(6))
def test_a_shape_is_a_mesh_in_the_canonical_frame(kind, seed):
    mesh = synthetic_shape(kind, np.random.default_rng(seed))
    assert mesh.vertices.isfinite().all() and mesh.faces.max() < len(mesh.vertices)
    assert mesh.colours.abs().max() <= 1
    extent = mesh.vertices.amax(0) - mesh.vertices.amin(0)
    assert extent[2].item() == pytest.approx(LENGTH_UNITS, rel=1e-4)
    assert (extent > 0.02).all(), "it has a body"


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_seed_repeats_a_shape_and_another_makes_another(kind):
    first, again, other = (synthetic_shape(kind, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(first.vertices, again.vertices) and torch.equal(first.colours, again.colours)
    assert first.vertices.shape != other.vertices.shape or not torch.allclose(first.vertices, other.vertices)


@pytest.mark.parametrize("kind", BUILDERS)
def test_left_and_right_are_alike(kind):
    """Those who made them mirrored them: the middle of all corners lies near the plane between the sides."""
    mesh = synthetic_shape(kind, np.random.default_rng(1))
    assert abs(mesh.vertices[:, 0].mean()) < 0.06 * LENGTH_UNITS


def test_patterns_are_brightness_alone():
    points = np.random.default_rng(0).normal(0, 1, (50, 3))
    for seed in range(20):
        values = pattern(points, np.random.default_rng(seed))
        assert values.shape == (50, 1) and (values > 0.3).all() and (values < 3).all()
