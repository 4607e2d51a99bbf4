"""Appendix A.1, editing the pose by hand: one parameter changes, all others stay the same."""

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from spir.geometry.rotation import rotation_from_view, view_from_rotation
from spir.types import Pose


def edit_pose(
    pose: Pose,
    azimuth_deg: float | None = None,
    elevation_deg: float | None = None,
    roll_deg: float | None = None,
    focal: float | None = None,
    further: float = 1.0,
) -> Pose:
    """Return the pose with the given parameters replaced; a parameter that is None keeps its value exactly.

    Angles are as in `rotation_from_view`. `focal`, in picture widths and above 0.5, changes the perspective at the same
    size; an orthographic pose has no focal length to change. `further` multiplies the camera's distance, and the object
    shrinks as much. Raises ValueError where a number is not finite or outside its range."""
    wanted = [value for value in (azimuth_deg, elevation_deg, roll_deg, focal, further) if value is not None]
    if not all(math.isfinite(value) for value in wanted) or further <= 0 or (focal or 1) <= 0.5:
        raise ValueError("a pose needs finite numbers, a distance above 0 and a focal length above 0.5")
    angles = (azimuth_deg, elevation_deg, roll_deg)
    if any(angle is not None for angle in angles):
        present = view_from_rotation(pose.quaternion)
        view = [p if a is None else torch.full_like(p, a) for p, a in zip(present, angles, strict=True)]
        pose = replace(pose, quaternion=rotation_from_view(*view))
    if focal is not None and pose.z0 is not None:
        pose = replace(pose, z0=torch.full_like(pose.z0, math.log(2 * focal - 1)))
    return replace(pose, scale=pose.scale / further)


def distance(pose: Pose) -> Float[Tensor, " batch"] | None:
    """Return the distance from the camera to the object's centre along the optical axis, in object units; None = orthographic."""
    return None if pose.z0 is None else (1 + torch.exp(pose.z0)) / pose.scale
