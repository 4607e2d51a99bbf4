"""Supervision points: on the surface, close to it, around it, and always finite."""

import torch

from spir.formulas import FORMULAS
from spir.train.distill.points import box, pull_to_surface, sample


def test_points_lie_where_they_should():
    torch.manual_seed(0)
    field = FORMULAS["car"].field(torch.randn(3, FORMULAS["car"].z_dim))
    truth = sample(field, 3, box(field), on_surface=300, near=300, free=200)
    assert truth.points.shape == (3, 800, 3) and truth.attention.shape == (3, 600, 10)
    assert torch.isfinite(truth.points).all() and truth.points.abs().max() <= 1
    on, near, free = truth.sdf[:, :300].abs(), truth.sdf[:, 300:600].abs(), truth.sdf[:, 600:].abs()
    assert on.median() < 0.003 < near.median() < 0.05 < free.median()
    assert torch.allclose(truth.sdf, field.sdf(truth.points))
    # Both ends of the car are covered.
    z = truth.points[:, :300, 2]
    assert (z.amax(dim=1) > 0.82).all() and (z.amin(dim=1) < -0.82).all()


def test_a_wild_gradient_cannot_throw_points_away():
    class Wild:
        scene_range = 1.0

        def normals(self, points):
            return torch.full(points.shape[:2], 1e9), torch.full_like(points, 0.7)

    assert torch.isfinite(pull_to_surface(Wild(), torch.zeros(1, 4, 3))).all()


def test_the_box_holds_every_object():
    torch.manual_seed(1)
    procedural = FORMULAS["car"]
    low, high = box(procedural.field(torch.randn(6, procedural.z_dim)))
    places = 2 * torch.rand(6, 40_000, 3) - 1
    torch.manual_seed(1)
    inside = places[procedural.field(torch.randn(6, procedural.z_dim)).sdf(places) < 0]
    assert len(inside) > 1000 and (inside >= low).all() and (inside <= high).all()
    assert (high - low).prod() < 0.5 * 2**3, "the box is hardly smaller than the cube"
