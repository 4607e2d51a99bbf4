"""§3.2 "Pose estimation", inspected: where the points of a NOCS map project under a pose, and how far off they are.

A pixel says which point of the object it shows; the pose says where that point projects. Their distance is the
reprojection error of the pixel, in picture widths.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from torch import Tensor

from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose
from spir.outputs.panels import ramped
from spir.types import Camera, Pose

SEEN_AT = 0.5
"""Pixels whose mask value is larger show the object."""
WITHIN = 0.02
"""The largest reprojection error of an inlier, in picture widths: 2.6 pixels of 128."""
WORST_OFF = 0.1
"""The error that is drawn darkest, in picture widths."""
MOST_POINTS = 1500


def reprojection_error(
    nocs: Float[Tensor, "batch height width 3"], pose: Pose, pixel_centre: float = 0.5
) -> Float[Tensor, "batch height width"]:
    """Return the reprojection error of every pixel of a NOCS map (object units), in picture widths.

    It is infinite where the point is not a number, or not in front of a perspective camera."""
    batch, height, width, _ = nocs.shape
    landed, depth = project(camera_from_pose(pose), nocs.flatten(1, 2))
    column = torch.arange(width, device=nocs.device, dtype=nocs.dtype)
    row = torch.arange(height, device=nocs.device, dtype=nocs.dtype)
    u = ((column + pixel_centre) / width - 0.5).expand(height, width)
    v = ((height / 2 - row - pixel_centre) / width)[:, None].expand(height, width)
    off = torch.linalg.vector_norm(landed - torch.stack((u, v), -1).flatten(0, 1), dim=-1)
    behind = torch.zeros_like(depth, dtype=torch.bool) if pose.z0 is None else depth <= 0
    off = torch.where(behind | ~off.isfinite(), torch.full_like(off, torch.inf), off)
    return off.view(batch, height, width)


def inlier_share(
    error: Float[Tensor, "batch height width"],
    mask: Float[Tensor, "batch height width"],
    within: float = WITHIN,
) -> Float[Tensor, " batch"]:
    """Return the share of the object's pixels, in [0, 1], whose reprojection error is at most `within` picture widths.

    It is 0 where the mask shows no object."""
    seen = mask > SEEN_AT
    good = (seen & (error <= within)).sum((1, 2))
    return good / seen.sum((1, 2)).clamp_min(1)


def typical_error(
    error: Float[Tensor, "batch height width"], mask: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """Return the median error over the object's pixels, in picture widths; infinite where there is no object."""
    typical = error.new_full((len(error),), torch.inf)
    for row, seen in enumerate(mask > SEEN_AT):
        if seen.any():
            typical[row] = error[row][seen].median()
    return typical


def error_levels(
    error: Float[Tensor, "height width"], worst: float = WORST_OFF
) -> UInt8[ndarray, "height width"]:
    """Convert an error to bytes: 0 means none, 255 means `worst` or more, including infinity."""
    return (error.detach().cpu().float() / worst).clamp(0, 1).mul(255).round().to(torch.uint8).numpy()


def heat_picture(
    error: Float[Tensor, "height width"], mask: Float[Tensor, "height width"], worst: float = WORST_OFF
) -> UInt8[ndarray, "height width 4"]:
    """Draw the error from white (none) to black (`worst` and more); transparent where no object is seen."""
    return with_binary_alpha(ramped(error_levels(error, worst) / 255.0), mask.detach().cpu() > SEEN_AT)


def place_picture(
    nocs: Float[Tensor, "height width 3"], alpha: Float[Tensor, "height width"], scene_range: float
) -> UInt8[ndarray, "height width 4"]:
    """Encode object coordinates times alpha as colours that can be decoded; transparent where alpha <= 0.5.

    x = (red / 255 * 2 - 1) * scene_range, y from green, z from blue; accurate to half a level, 0.4 % of scene_range."""
    seen = alpha.detach().cpu() > SEEN_AT
    place = (nocs / alpha.clamp_min(1e-6)[..., None]).detach().cpu().float() / scene_range
    levels = ((place.nan_to_num() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
    return with_binary_alpha(levels, seen)


def with_binary_alpha(
    colour: UInt8[ndarray, "height width 3"], seen: Bool[Tensor, "height width"]
) -> UInt8[ndarray, "height width 4"]:
    """Add a binary alpha channel: a browser would round the colours behind a partial alpha."""
    solid = seen.numpy()[..., None]
    return np.concatenate((colour * solid, 255 * solid), -1).astype(np.uint8)


def nocs_points(
    nocs: Float[Tensor, "height width 3"],
    mask: Float[Tensor, "height width"],
    scene_range: float,
    most: int = MOST_POINTS,
) -> tuple[Float[Tensor, "point 3"], Float[Tensor, "point 3"]]:
    """Return the points of a NOCS map, in object units, and their NOCS colours in [-1, 1]; the choice is deterministic.

    At most `most` points, evenly spread over the object's pixels; none where no object is seen."""
    points = nocs[(mask > SEEN_AT) & nocs.isfinite().all(-1)]
    if len(points) > most:
        points = points[torch.linspace(0, len(points) - 1, most).round().long()]
    return points, (points / scene_range).clamp(-1, 1)


def frustum_corners(camera: Camera, depth: Float[Tensor, " batch"]) -> Float[Tensor, "batch 4 3"]:
    """Return the corners of the square picture plane at `depth` object units from the camera, in object units.

    The order is upper left, upper right, lower right, lower left. An orthographic picture has the same size at any depth."""
    block, centre = camera.cam2world[:, :3, :3], camera.cam2world[:, :3, 3]
    length = torch.linalg.vector_norm(block, dim=1).mean(-1)
    corners = block.new_tensor(((-1, 1), (1, 1), (1, -1), (-1, -1)))
    half = torch.ones_like(length) if camera.focal is None else depth / camera.focal / 2
    across = corners * half[:, None, None]
    back = (-depth / length)[:, None, None].expand(-1, 4, 1)
    return torch.cat((across, back), -1) @ block.mT + centre[:, None]
