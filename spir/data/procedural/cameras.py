"""The distribution of cameras that training renders from: how people photograph things."""

import torch
from jaxtyping import Float
from torch import Tensor

from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import Field, Pose

FOCAL_RANGE = (0.9, 7.0)
"""Focal lengths in widths of the crop around the object: a phone from three steps away, a tele lens from
fifty."""
FOCAL_GUESSES = (0.95, 1.2, 1.5, 1.9, 2.5, 3.5, 5.5)
"""Percentiles of that distribution, which PnP tries; the encoder's weights carry them."""
BOX_RESOLUTION = 48
"""The grid that finds an object's box has so many voxels along its side."""


@torch.no_grad()
def bounding_corners(field: Field) -> Float[Tensor, "batch 8 3"]:
    """The corners of each object's box, to one voxel of a coarse grid; the whole cube where there is no
    object."""
    grid = field.sdf_grid(BOX_RESOLUTION)
    axis = torch.linspace(-field.scene_range, field.scene_range, BOX_RESOLUTION, device=grid.device)
    boxes = []
    for inside in grid < 0:
        found = inside.nonzero() if inside.any() else torch.ones_like(inside).nonzero()
        ends = torch.stack((axis[found.amin(0)], axis[found.amax(0)]), dim=1)
        boxes.append(torch.cartesian_prod(*ends))
    return torch.stack(boxes)


def sample_poses(count: int, corners: Float[Tensor, "count corner 3"], margin: float = 0.05) -> Pose:
    """Random poses in which the object's box (`corners`) fills the picture up to `margin` per side.

    Azimuth uniform; two thirds of the cameras at eye level, the rest up to 75 degrees above (angles of
    `rotation_from_view`); roll a few degrees; focal length log-uniform over `FOCAL_RANGE`."""
    device = corners.device
    draw = lambda: torch.rand(count, device=device)  # noqa: E731
    normal = lambda: torch.randn(count, device=device)  # noqa: E731
    eye_level = (9 + 7 * normal()).clamp(-6, 40)
    elevation = torch.where(draw() < 0.65, eye_level, 75 * draw())
    low, high = (torch.tensor(f).log() for f in FOCAL_RANGE)
    focal = torch.exp(low + (high - low) * draw())
    angles = (360 * draw() - 180, elevation, 4 * normal())
    scale, shift = torch.full_like(focal, 0.7), torch.zeros(count, 2, device=device)
    # At short distances, size and place of the box depend on each other; damped steps converge for both.
    for _ in range(16):
        pose = look_at_pose(*angles, focal=focal, scale=scale, shift=shift)
        seen = 2 * project(camera_from_pose(pose), corners)[0]
        least, most = seen.amin(dim=1), seen.amax(dim=1)
        grow = (2 * (1 - 2 * margin) / (most - least).amax(dim=1)) ** 0.5
        shift = (shift - 0.25 * (least + most)) * grow[:, None]
        scale = scale * grow
    return look_at_pose(*angles, focal=focal, scale=scale, shift=shift)
