"""Sample points of a procedural field: on its surface, close to it, and in the free space around it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Supervision:
    """The points and values that distillation compares; the first `coloured` points carry colour as well."""

    points: Float[Tensor, "batch point 3"]
    on_surface: int
    """The first so many points lie on the surface."""
    sdf: Float[Tensor, "batch point"]
    attention: Float[Tensor, "batch coloured values"]


def pull_to_surface(field, points: Float[Tensor, "batch point 3"], rounds: int = 3) -> Tensor:
    """Move points onto the surface by Newton steps along the normals.

    A step is at most 0.3 units, and the points stay in the cube, so they stay finite even where the formula's
    gradient is wild."""
    for _ in range(rounds):
        sdf, normals = field.normals(points)
        points = (points - sdf[..., None].clamp(-0.3, 0.3) * normals).clamp(
            -field.scene_range, field.scene_range
        )
    return points


@torch.no_grad()
def box(field) -> tuple[Float[Tensor, "3"], Float[Tensor, "3"]]:
    """The low and the high corner of a box that holds every object of the field, found on a coarse grid."""
    reach, side = field.scene_range, 20
    touched = (field.sdf_grid(side) < 2 * reach / (side - 1)).any(dim=0).nonzero()
    place = lambda index: (2 * index / (side - 1) - 1) * reach  # noqa: E731
    return place(touched.amin(dim=0)), place(touched.amax(dim=0))


@torch.no_grad()
def sample(
    field,
    batch: int,
    bounds: tuple[Float[Tensor, "3"], Float[Tensor, "3"]],
    on_surface: int = 256,
    near: int = 192,
    free: int = 512,
) -> Supervision:
    """Sample points of `batch` objects and the formula's values at them.

    They start between `bounds`, the corners of the `box` that holds all objects, so that thin parts and both
    ends get their share; three of four free points lie in that box, one anywhere in the cube.

    Points on the surface carry colour only, and those close to it are few: where they crowd, small distances
    crowd, and a network that does not know the object yet would answer zero everywhere."""
    device, reach = field.palette.device, field.scene_range
    low, high = bounds

    def in_box(count: int) -> Tensor:
        return low + (high - low) * torch.rand(batch, count, 3, device=device)

    surface = pull_to_surface(field, in_box(on_surface))
    noise = torch.randn(batch, near, 3, device=device)
    spread = torch.where(torch.rand(batch, near, 1, device=device) < 0.5, 0.015, 0.05)
    shell = pull_to_surface(field, in_box(near), rounds=2) + noise * spread
    cube = (2 * torch.rand(batch, free // 4, 3, device=device) - 1) * reach
    points = torch.cat([surface, shell, in_box(free - free // 4), cube], dim=1).clamp(-reach, reach)
    coloured = on_surface + near
    _, normals = field.normals(points[:, :coloured])
    attention = field.attention(points[:, :coloured], normals)
    return Supervision(points, on_surface, field.sdf(points), attention)
