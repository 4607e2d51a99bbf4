"""Appendix A.1, the pose that inversion optimises: quaternion, shift, scale and z0, to and from a Camera.

With f = 1 + exp(z0) the focal length is f / 2 picture widths and
    x_cam = R x + (shift_x / scale, shift_y / scale, -f / scale),
so the object's centre lands at `shift` whatever the other numbers are, its size in the picture is `scale`
whatever the perspective, and z0 alone decides how strong the perspective is: each parameter has one effect,
which suits gradient descent.

Orthographic cameras (z0 = None) have 1 / scale in the 3x3 block of cam2world, so that the camera's x and y
are [-1, 1] picture coordinates; they stand 10 / scale from the centre.

The authors write poses differently. With `camera_flipped` their axes are those of computer vision (y down,
z forward) with x_cam = R x + (t2 / s, f / s): pass flipped=True here and in `pose_from_camera`. Without,
their axes are ours but x_cam = R x - (t2 / s, f / s): negate their t2 and use flipped=False.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from spir.geometry.rotation import (
    matrix_from_quaternion,
    normalise,
    quaternion_from_matrix,
    rotation_from_view,
)
from spir.types import Camera, Pose

Z0_LIMIT = 4.0
"""The largest |z0|: focal lengths from 0.51 to 27.8 picture widths."""
ORTHOGRAPHIC_DEPTH = 10.0
"""Distance of an orthographic camera from the object's centre, in half picture widths."""


def camera_from_pose(pose: Pose, flipped: bool = False) -> Camera:
    """Return the camera of a pose; differentiable in all of it."""
    rotation = matrix_from_quaternion(pose.quaternion)
    if pose.z0 is None:
        focal, depth = None, torch.full_like(pose.scale, ORTHOGRAPHIC_DEPTH)
    else:
        depth = 1 + torch.exp(pose.z0)
        focal = depth / 2
    shift = pose.shift
    if flipped:
        axes = rotation.new_tensor((1, -1, -1))
        rotation = axes[:, None] * rotation
        shift = shift * axes[:2]
    offset = torch.cat((shift, -depth[:, None]), -1) / pose.scale[:, None]
    camera_to_object = rotation.mT
    centre = -(camera_to_object @ offset[:, :, None])
    if pose.z0 is None:
        camera_to_object = camera_to_object / pose.scale[:, None, None]
    last = rotation.new_tensor((0, 0, 0, 1)).expand(len(rotation), 1, 4)
    return Camera(torch.cat((torch.cat((camera_to_object, centre), -1), last), -2), focal)


def pose_from_camera(camera: Camera, flipped: bool = False) -> Pose:
    """Return the pose of a camera, the inverse of `camera_from_pose`.

    The focal length must exceed half a picture width. An orthographic camera's
    distance does not affect its picture and is dropped."""
    block, centre = camera.cam2world[:, :3, :3], camera.cam2world[:, :3, 3]
    length = torch.linalg.vector_norm(block, dim=1).mean(-1)
    rotation = (block / length[:, None, None]).mT
    offset = -(rotation @ centre[:, :, None])[:, :, 0]
    if camera.focal is None:
        z0, scale = None, 1 / length
    else:
        z0 = torch.log(2 * camera.focal - 1)
        scale = 2 * camera.focal / -offset[:, 2]
    shift = offset[:, :2] * scale[:, None]
    if flipped:
        axes = rotation.new_tensor((1, -1, -1))
        rotation = axes[:, None] * rotation
        shift = shift * axes[:2]
    return Pose(z0, shift, scale, quaternion_from_matrix(rotation))


def renormalise(pose: Pose) -> Pose:
    """§3.3: project back to valid poses after each step: a unit quaternion, z0 within its limits and a positive scale."""
    z0 = None if pose.z0 is None else pose.z0.clamp(-Z0_LIMIT, Z0_LIMIT)
    return replace(pose, z0=z0, scale=pose.scale.abs(), quaternion=normalise(pose.quaternion))


def mirrored(pose: Pose) -> Pose:
    """Return the camera that sees the object's mirror image (x -> -x) as this one's picture flipped left-right."""
    return replace(
        pose,
        shift=pose.shift * pose.shift.new_tensor((-1, 1)),
        quaternion=pose.quaternion * pose.quaternion.new_tensor((1, 1, -1, -1)),
    )


def look_at_pose(
    azimuth_deg: Float[Tensor, " batch"],
    elevation_deg: Float[Tensor, " batch"],
    roll_deg: Float[Tensor, " batch"] | None = None,
    focal: Float[Tensor, " batch"] | None = None,
    scale: Float[Tensor, " batch"] | None = None,
    shift: Float[Tensor, "batch 2"] | None = None,
) -> Pose:
    """Return the pose of a camera that looks at the object (angles as in `rotation_from_view`).

    `focal` is in picture widths, above 0.5, None = orthographic; scale defaults to 1, roll and shift to 0."""
    roll_deg = torch.zeros_like(azimuth_deg) if roll_deg is None else roll_deg
    return Pose(
        z0=None if focal is None else torch.log(2 * focal - 1),
        shift=azimuth_deg.new_zeros(len(azimuth_deg), 2) if shift is None else shift,
        scale=torch.ones_like(azimuth_deg) if scale is None else scale,
        quaternion=rotation_from_view(azimuth_deg, elevation_deg, roll_deg),
    )
