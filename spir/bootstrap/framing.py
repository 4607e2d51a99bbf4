"""§3.2: the mask's position in the picture, the pose that moves an object there, and the default pose."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.geometry.pose import look_at_pose
from spir.geometry.rotation import rotation_from_view, view_from_rotation
from spir.types import Pose

DEFAULT_AZIMUTH_DEG, DEFAULT_ELEVATION_DEG = 35.0, 10.0
"""The front three-quarter view from slightly above, in degrees, which most photographs show."""
DEFAULT_HALF = 0.8
"""Half size of an object without a usable mask, in half picture widths."""


def centre_and_size(
    mask: Float[Tensor, "batch height width"],
) -> tuple[Float[Tensor, "batch 2"], Float[Tensor, " batch"]]:
    """Return the mask's centroid in [-1, 1] picture coordinates (y up) and the root of its area, in half picture widths.

    Moments are used instead of a box: they resolve fractions of a pixel, and a wing mirror changes them little. An empty
    mask has its centre in the middle and size 0."""
    height, width = mask.shape[1:]
    x = (2 * torch.arange(width, device=mask.device) + 1) / width - 1
    y = (height - 2 * torch.arange(height, device=mask.device) - 1) / width
    area = mask.sum((1, 2))
    centre = torch.stack((mask.sum(1) @ x, mask.sum(2) @ y), -1) / area.clamp_min(1e-6)[:, None]
    return centre, area.sqrt() * 2 / width


def upright_fallback(
    pose: Pose, elevations_deg: tuple[float, float], rolls_deg: float
) -> tuple[Pose, Bool[Tensor, " batch"]]:
    """Replace implausible camera poses; return the poses, and which ones were plausible already.

    Where a map is wrong, PnP may return a camera below the ground: that one is moved to the nearest
    elevation of the range and set upright, and its azimuth is not to be trusted either."""
    azimuth, elevation, roll = view_from_rotation(pose.quaternion)
    low, high = elevations_deg
    plausible = (elevation >= low) & (elevation <= high) & (roll.abs() <= rolls_deg)
    # Clamp to elevation 0 or more: at the lower end of the range objects would still be seen from below.
    upright = rotation_from_view(azimuth, elevation.clamp(max(low, 0.0), high), torch.zeros_like(roll))
    return replace(pose, quaternion=torch.where(plausible[:, None], pose.quaternion, upright)), plausible


def default_pose(mask: Float[Tensor, "batch height width"], focal: float, orthographic: bool) -> Pose:
    """Return a pose at the mask's centre and of about its size, in a front three-quarter view.

    `focal` is in picture widths, above 0.5; orthographic cameras ignore it. Any mask is accepted, also an empty one
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

    A pose stays unchanged where one of them is empty."""
    have_centre, have_size = centre_and_size(alpha)
    want_centre, want_size = centre_and_size(mask)
    usable = (have_size > 0.02) & (want_size > 0.02)
    factor = torch.where(usable, want_size / have_size.clamp_min(1e-6), torch.ones_like(want_size))
    shift = want_centre - (have_centre - pose.shift) * factor[:, None]
    return replace(pose, shift=torch.where(usable[:, None], shift, pose.shift), scale=pose.scale * factor)
