"""Appendix A.1, the camera model: rays through pixels, projection of points, ray-box intersection."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.types import Camera

NEAREST = 0.1
"""Near plane: nothing closer to the camera is seen, in object units."""


def rays(
    camera: Camera, height: int, width: int, pixel_centre: float = 0.5
) -> tuple[Float[Tensor, "batch height width 3"], Float[Tensor, "batch height width 3"]]:
    """Return origins and unit directions, in object units and axes, of one ray per pixel, top row first.

    `pixel_centre` says where within its pixel a ray passes: 0.5 the middle, 0 the upper left corner."""
    like = camera.cam2world
    column = torch.arange(width, device=like.device, dtype=like.dtype)
    row = torch.arange(height, device=like.device, dtype=like.dtype)
    u = ((column + pixel_centre) / width - 0.5).expand(height, width)
    v = ((height / 2 - row - pixel_centre) / width)[:, None].expand(height, width)
    block, centre = like[:, :3, :3], like[:, :3, 3]
    if camera.focal is None:
        plane = torch.stack((2 * u, 2 * v, torch.zeros_like(u)), -1)
        origins = torch.einsum("bij,hwj->bhwi", block, plane) + centre[:, None, None]
        backward = torch.nn.functional.normalize(block[:, :, 2], dim=-1)
        return origins, -backward[:, None, None].expand_as(origins)
    across = torch.stack((u, v), -1) / camera.focal[:, None, None, None]
    axes = torch.cat((across, -torch.ones_like(across[..., :1])), -1)
    directions = torch.einsum("bij,bhwj->bhwi", block, torch.nn.functional.normalize(axes, dim=-1))
    return centre[:, None, None].expand_as(directions), directions


def project(
    camera: Camera, points: Float[Tensor, "batch point 3"]
) -> tuple[Float[Tensor, "batch point 2"], Float[Tensor, "batch point"]]:
    """Project points to picture widths from the middle (x right, y up), and return their depth, in object units.

    Depth is along the optical axis, negative behind a perspective camera, whose picture positions there are
    finite but meaningless."""
    block, centre = camera.cam2world[:, :3, :3], camera.cam2world[:, :3, 3]
    length = torch.linalg.vector_norm(block, dim=1).mean(-1)[:, None, None]
    # The block is a rotation times `length`, so its transpose over length squared is its inverse.
    seen = (points - centre[:, None]) @ block / length.square()
    if camera.focal is None:
        return seen[..., :2] / 2, -seen[..., 2] * length[..., 0]
    depth = -seen[..., 2]
    safe = torch.where(depth.abs() < 1e-6, torch.full_like(depth, 1e-6), depth)
    return camera.focal[:, None, None] * seen[..., :2] / safe[..., None], depth


@torch.no_grad()
def box_near_far(
    origins: Float[Tensor, "*ray 3"],
    directions: Float[Tensor, "*ray 3"],
    low: Float[Tensor, "batch 3"],
    high: Float[Tensor, "batch 3"],
) -> tuple[Float[Tensor, "*ray"], Float[Tensor, "*ray"], Bool[Tensor, "*ray"]]:
    """Return where rays enter and leave an axis-aligned box, in object units along them, and which rays hit it.

    It has no gradient. near >= 0.1 and far >= near always hold, also on rays that miss, where far = near."""
    shape = (len(low),) + (1,) * (origins.ndim - 2) + (3,)
    tiny = torch.full_like(directions, 1e-9)
    safe = torch.where(directions.abs() < 1e-9, tiny.copysign(directions), directions)
    first, second = (low.view(shape) - origins) / safe, (high.view(shape) - origins) / safe
    near = torch.minimum(first, second).amax(-1).clamp_min(NEAREST)
    far = torch.maximum(first, second).amin(-1)
    hit = (far > near) & (low < high).all(-1).view(shape[:-1])
    nearest = torch.full_like(near, NEAREST)
    return torch.where(hit, near, nearest), torch.where(hit, far, nearest), hit


def near_far(
    origins: Float[Tensor, "*ray 3"], directions: Float[Tensor, "*ray 3"], scene_range: float
) -> tuple[Float[Tensor, "*ray"], Float[Tensor, "*ray"], Bool[Tensor, "*ray"]]:
    """Apply `box_near_far` to the cube of half side `scene_range` that holds every object."""
    corner = origins.new_full((len(origins), 3), scene_range)
    return box_near_far(origins, directions, -corner, corner)
