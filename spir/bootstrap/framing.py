"""§3.2: where a mask sits in the picture, the pose that puts an object there, and the one to fall back on."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.geometry.pose import look_at_pose
from spir.geometry.rotation import rotation_from_view, view_from_rotation
from spir.types import Pose

DEFAULT_AZIMUTH_DEG, DEFAULT_ELEVATION_DEG = 35.0, 10.0
"""The front three-quarter view from slightly above: how most people photograph most things."""
DEFAULT_HALF = 0.8
"""Half size of an object of which not even the mask is known, half picture widths."""


def centre_and_size(
    mask: Float[Tensor, "batch height width"],
) -> tuple[Float[Tensor, "batch 2"], Float[Tensor, " batch"]]:
    """Centroid in [-1, 1] picture coordinates (y up) and root of the area, half picture widths.

    Moments rather than a box: they see fractions of a pixel, and a wing mirror moves them little. An empty
    mask sits in the middle with size 0."""
    height, width = mask.shape[1:]
    x = (2 * torch.arange(width, device=mask.device) + 1) / width - 1
    y = (height - 2 * torch.arange(height, device=mask.device) - 1) / width
    area = mask.sum((1, 2))
    centre = torch.stack((mask.sum(1) @ x, mask.sum(2) @ y), -1) / area.clamp_min(1e-6)[:, None]
    return centre, area.sqrt() * 2 / width


def upright_fallback(
    pose: Pose, elevations_deg: tuple[float, float], rolls_deg: float
) -> tuple[Pose, Bool[Tensor, " batch"]]:
    """Poses as people take photographs, and which ones were so already.

    Where a map is a muddle, PnP may answer with a camera below the ground: that one goes to the nearest
    elevation of the range and stands upright, and its azimuth is not to be trusted either."""
    azimuth, elevation, roll = view_from_rotation(pose.quaternion)
    low, high = elevations_deg
    plausible = (elevation >= low) & (elevation <= high) & (roll.abs() <= rolls_deg)
    # At the very end of the range everything would be seen from below or above again.
    upright = rotation_from_view(azimuth, elevation.clamp(max(low, 0.0), high), torch.zeros_like(roll))
    return replace(pose, quaternion=torch.where(plausible[:, None], pose.quaternion, upright)), plausible


def default_pose(mask: Float[Tensor, "batch height width"], focal: float, orthographic: bool) -> Pose:
    """The object at the mask's centre and about as large, in a front three-quarter view.

    `focal` in picture widths, above 0.5; ignored by orthographic cameras. Any mask will do, also an empty one
    or one that is not finite."""
    clean = mask.nan_to_num(0, 0, 0).clamp(0, 1)
    centre, size = centre_and_size(clean)
    # An object of half length 1 looks about 1.5 by 1 half-lengths large from there: its root area is 1.2.
    scale = torch.where(size > 0.05, size / 1.2, torch.full_like(size, DEFAULT_HALF))
    like = torch.ones_like(scale)
    return look_at_pose(
        DEFAULT_AZIMUTH_DEG * like,
        DEFAULT_ELEVATION_DEG * like,
        focal=None if orthographic else focal * like,
        scale=scale,
        shift=centre,
    )


def fit_to_mask(
    pose: Pose, alpha: Float[Tensor, "batch side side"], mask: Float[Tensor, "batch size size"]
) -> Pose:
    """Shift and scale the pose whose silhouette is `alpha` so that its centroid and area become the mask's.

    Nothing seen, nothing done."""
    have_centre, have_size = centre_and_size(alpha)
    want_centre, want_size = centre_and_size(mask)
    usable = (have_size > 0.02) & (want_size > 0.02)
    factor = torch.where(usable, want_size / have_size.clamp_min(1e-6), torch.ones_like(want_size))
    shift = want_centre - (have_centre - pose.shift) * factor[:, None]
    return replace(pose, shift=torch.where(usable[:, None], shift, pose.shift), scale=pose.scale * factor)
