"""Signed distance formulas, batched: coordinates are (batch, point), sizes (batch, 1), metres.

All are negative inside, exact or at worst a slight underestimate near the surface, and their
gradients stay finite everywhere (square roots are kept off zero).
"""

import torch
from torch import Tensor

Size = Tensor | float
"""(batch, 1), or the same for all."""
Vertices = list[tuple[Tensor, Tensor]]
TINY = 1e-9


def length2(a: Tensor, b: Tensor) -> Tensor:
    """Return the Euclidean length of (a, b), differentiable at the origin."""
    return (a * a + b * b + TINY).sqrt()


def rounded_intersection(a: Tensor, b: Tensor, radius: Size) -> Tensor:
    """Intersect both solids, the edge between them rounded to `radius`."""
    a, b = a + radius, b + radius
    return length2(a.clamp(min=0), b.clamp(min=0)) + torch.maximum(a, b).clamp(max=0) - radius


def smooth_union(a: Tensor, b: Tensor, radius: Size) -> Tensor:
    """Unite both solids, the crease between them filled over about `radius`."""
    blend = (radius - (a - b).abs()).clamp(min=0)
    return torch.minimum(a, b) - 0.25 * blend * blend / radius


def smooth_difference(a: Tensor, b: Tensor, radius: Size) -> Tensor:
    """Subtract solid b from solid a, smoothed."""
    return -smooth_union(-a, b, radius)


def polygon(u: Tensor, v: Tensor, vertices: Vertices) -> Tensor:
    """Return the exact distance to a simple polygon in the (u, v) plane; vertices in order, each (batch, 1)."""
    nearest = torch.full_like(u, 1e6)
    outside = torch.ones_like(u)
    for (au, av), (bu, bv) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        eu, ev = bu - au, bv - av
        wu, wv = u - au, v - av
        t = ((wu * eu + wv * ev) / (eu * eu + ev * ev + TINY)).clamp(0, 1)
        nearest = torch.minimum(nearest, (wu - t * eu) ** 2 + (wv - t * ev) ** 2)
        left = eu * wv - ev * wu > 0
        crosses = ((v >= av) & (v < bv) & left) | ((v < av) & (v >= bv) & ~left)
        outside = torch.where(crosses, -outside, outside)
    return outside * (nearest + TINY).sqrt()


def box2(u: Tensor, v: Tensor, half_u: Size, half_v: Size, radius: Size) -> Tensor:
    """Return the distance to a rectangle about the origin with rounded corners."""
    return rounded_intersection(u.abs() - half_u, v.abs() - half_v, radius)


def box3(x: Tensor, y: Tensor, z: Tensor, half: tuple, radius: Size) -> Tensor:
    """Return the distance to a box about the origin with rounded edges."""
    return rounded_intersection(box2(y, z, half[1], half[2], radius), x.abs() - half[0], radius)


def cylinder(distance_from_axis: Tensor, along: Tensor, radius: Size, half: Size, edge: float) -> Tensor:
    """Return the distance to a cylinder about the origin with rounded rims."""
    return rounded_intersection(distance_from_axis - radius, along.abs() - half, edge)


def ellipsoid(x: Tensor, y: Tensor, z: Tensor, half: tuple) -> Tensor:
    """Return the distance to an ellipsoid about the origin, first-order: |k| (|k| - 1) / |grad|, exact on the surface."""
    a, b, c = half
    k0 = ((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 + TINY).sqrt()
    k1 = ((x / a**2) ** 2 + (y / b**2) ** 2 + (z / c**2) ** 2 + TINY).sqrt()
    return k0 * (k0 - 1) / k1


def inside(distance: Tensor, softness: float) -> Tensor:
    """Return a mask in [0, 1] from a distance: 1 well inside, 0 outside, an edge of about `softness` metres."""
    return torch.sigmoid(-distance / (0.5 * softness))


def smoothstep(x: Tensor) -> Tensor:
    """Return 0 below 0, 1 above 1, and a smooth transition between."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)
