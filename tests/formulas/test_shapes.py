"""Distance formulas against brute force."""

import torch

from spir.formulas.shapes import (
    box2,
    cylinder,
    ellipsoid,
    inside,
    polygon,
    rounded_intersection,
    smooth_difference,
    smooth_union,
)


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_polygon_equals_the_nearest_of_many_boundary_points():
    torch.manual_seed(0)
    corners = [(-1.0, -0.5), (-0.8, 0.6), (0.1, 0.2), (0.9, 0.7), (1.1, -0.4)]
    u, v = torch.rand(1, 400) * 4 - 2, torch.rand(1, 400) * 4 - 2
    found = polygon(u, v, [(column(a), column(b)) for a, b in corners])[0]
    t = torch.linspace(0, 1, 2001)
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    rim = torch.cat([torch.stack([a + t * (c - a), b + t * (d - b)], -1) for (a, b), (c, d) in edges])
    nearest = torch.cdist(torch.stack([u[0], v[0]], -1), rim).amin(dim=1)
    turns = torch.zeros(400)
    ring = torch.tensor(corners + corners[:1])
    to = ring[None] - torch.stack([u[0], v[0]], -1)[:, None]
    angle = torch.atan2(to[..., 1], to[..., 0])
    steps = torch.remainder(angle.diff(dim=1) + torch.pi, 2 * torch.pi) - torch.pi
    turns = steps.sum(dim=1).abs() > torch.pi
    expected = torch.where(turns, -nearest, nearest)
    assert (found - expected).abs().max() < 2e-3


def test_box_is_exact_outside_its_corner_and_inside():
    d = box2(column(2.0).T, column(3.0).T, column(1.0), column(1.0), 1e-6)
    assert torch.allclose(d, torch.tensor([[5.0**0.5]]), atol=1e-4)
    assert torch.allclose(
        box2(column(0.0), column(0.0), column(1.0), column(2.0), 1e-6), column(-1.0), atol=1e-4
    )


def test_cylinder_and_ellipsoid_vanish_on_their_surfaces():
    angle = torch.linspace(0, 6, 7)[None]
    radius = cylinder(torch.full((1, 7), 0.5), 0.1 * angle / 6, column(0.5), column(0.4), 0.01)
    assert radius.abs().max() < 1e-3
    half = (0.5, 0.3, 0.2)
    on = ellipsoid(half[0] * angle.cos(), half[1] * angle.sin(), torch.zeros(1, 7), half)
    assert on.abs().max() < 1e-4
    assert ellipsoid(*[torch.tensor([[0.1]])] * 3, half).item() < 0


def test_blends_stay_close_to_the_sharp_ones():
    a, b = torch.randn(1, 1000), torch.randn(1, 1000)
    assert (smooth_union(a, b, 0.1) - torch.minimum(a, b)).abs().max() <= 0.1 / 4 + 1e-6
    assert (smooth_difference(a, b, 0.1) - torch.maximum(a, -b)).abs().max() <= 0.1 / 4 + 1e-6
    far = torch.full((1, 1), 0.5)
    assert torch.allclose(rounded_intersection(far, -far, 0.05), far, atol=1e-6)


def test_mask_is_half_on_the_border():
    assert inside(torch.zeros(1, 1), 0.02).item() == 0.5
    assert inside(torch.full((1, 1), -0.1), 0.02) > 0.99 and inside(torch.full((1, 1), 0.1), 0.02) < 0.01
