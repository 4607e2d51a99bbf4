"""Appendix A.1, rotations: unit quaternions (w, x, y, z), their matrices, and views in degrees.

A rotation here always takes object axes to camera axes. Every function is safe to differentiate, the zero
quaternion included (it counts as the identity).
"""

import torch
from jaxtyping import Float
from torch import Tensor

TINY = 1e-12


def normalise(quaternion: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 4"]:
    """Return the unit quaternion of the same direction; the identity where the length vanishes."""
    square = quaternion.square().sum(-1, keepdim=True)
    vanished = square < TINY
    identity = torch.zeros_like(quaternion)
    identity[..., 0] = 1
    return torch.where(vanished, identity, quaternion * torch.where(vanished, 1, square).rsqrt())


def matrix_from_quaternion(quaternion: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 3 3"]:
    """Return the rotation matrix; the quaternion may have any length, so a step off the unit sphere stays a rotation."""
    square = quaternion.square().sum(-1)
    twice = 2 / square.clamp_min(TINY)
    w, x, y, z = quaternion.unbind(-1)
    rows = (
        (1 - twice * (y * y + z * z), twice * (x * y - w * z), twice * (x * z + w * y)),
        (twice * (x * y + w * z), 1 - twice * (x * x + z * z), twice * (y * z - w * x)),
        (twice * (x * z - w * y), twice * (y * z + w * x), 1 - twice * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def quaternion_from_matrix(rotation: Float[Tensor, "batch 3 3"]) -> Float[Tensor, "batch 4"]:
    """Return the unit quaternion with w >= 0.

    4 q q^T is linear in the matrix; each of its rows is q times a number, and the row with the largest
    diagonal is never near zero, so no root of a small number is taken."""
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in rotation.unbind(-2))
    products = (
        (1 + a + e + i, h - f, c - g, d - b),
        (h - f, 1 + a - e - i, b + d, c + g),
        (c - g, b + d, 1 - a + e - i, f + h),
        (d - b, c + g, f + h, 1 - a - e + i),
    )
    outer = torch.stack([torch.stack(row, -1) for row in products], -2)
    best = outer.diagonal(dim1=-2, dim2=-1).argmax(-1)
    quaternion = normalise(outer[torch.arange(len(best), device=best.device), best])
    return torch.where(quaternion[:, :1] < 0, -quaternion, quaternion)


def multiply(first: Float[Tensor, "batch 4"], second: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 4"]:
    """Return the Hamilton product: rotate by `second`, then by `first`."""
    a, b, c, d = first.unbind(-1)
    w, x, y, z = second.unbind(-1)
    return torch.stack(
        (
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ),
        -1,
    )


def conjugate(quaternion: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 4"]:
    """Return the inverse rotation of a unit quaternion."""
    return quaternion * quaternion.new_tensor((1, -1, -1, -1))


def geodesic_deg(
    first: Float[Tensor, "batch 4"], second: Float[Tensor, "batch 4"]
) -> Float[Tensor, " batch"]:
    """Return the angle between two rotations, in degrees in [0, 180]; accurate at both ends of the range."""
    conjugate = first * first.new_tensor((1, -1, -1, -1))
    between = multiply(conjugate, second)
    sine = torch.linalg.vector_norm(between[:, 1:], dim=-1)
    return torch.rad2deg(2 * torch.atan2(sine, between[:, 0].abs()))


def about_axis(axis: int, angle_deg: Float[Tensor, " batch"]) -> Float[Tensor, "batch 4"]:
    """Return the rotation about x (0), y (1) or z (2), right-handed."""
    half = torch.deg2rad(angle_deg) / 2
    parts = [half.cos(), torch.zeros_like(half), torch.zeros_like(half), torch.zeros_like(half)]
    parts[1 + axis] = half.sin()
    return torch.stack(parts, -1)


def rotation_from_view(
    azimuth_deg: Float[Tensor, " batch"],
    elevation_deg: Float[Tensor, " batch"],
    roll_deg: Float[Tensor, " batch"],
) -> Float[Tensor, "batch 4"]:
    """Return the quaternion of a camera that looks at the object's centre.

    Azimuth 0 sees the front (camera on +Z), 90 has the camera on +X; elevation lifts the camera towards +Y;
    roll turns the picture of the object counter-clockwise."""
    return multiply(
        about_axis(2, roll_deg), multiply(about_axis(0, elevation_deg), about_axis(1, -azimuth_deg))
    )


def view_from_rotation(
    quaternion: Float[Tensor, "batch 4"],
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Return azimuth and roll in [-180, 180], elevation in [-90, 90], in degrees; inverts `rotation_from_view`."""
    rotation = matrix_from_quaternion(quaternion)
    # The last row is the camera's backward axis, hence the direction in which the camera stands.
    x, y, z = rotation[:, 2].unbind(-1)
    elevation = torch.atan2(y, torch.hypot(x, z))
    azimuth = torch.atan2(x, z)
    # Without roll the world's up would lie in the second row alone.
    roll = torch.atan2(-rotation[:, 0, 1], rotation[:, 1, 1])
    return torch.rad2deg(azimuth), torch.rad2deg(elevation), torch.rad2deg(roll)


def flip_about_up(quaternion: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 4"]:
    """Rotate the object by half a turn about its own +Y under the same camera: front and back swap."""
    half_turn = quaternion.new_tensor((0, 0, 1, 0)).expand_as(quaternion)
    return multiply(quaternion, half_turn)


def front_direction(quaternion: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 2"]:
    """Return the direction of the object's front in the picture, across (x right) and out of it towards the camera, of
    length one; shorter only where the front points straight up or down."""
    front = matrix_from_quaternion(quaternion)[:, :, 2][:, [0, 2]]
    return front / front.norm(dim=1, keepdim=True).clamp(min=1e-3)
