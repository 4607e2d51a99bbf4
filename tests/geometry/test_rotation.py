"""Rotations against their definition: sandwich products, known turns, round trips, gradients at the edge."""

import math

import pytest
import torch

from spir.geometry.rotation import (
    about_axis,
    flip_about_up,
    geodesic_deg,
    matrix_from_quaternion,
    multiply,
    normalise,
    quaternion_from_matrix,
    rotation_from_view,
    view_from_rotation,
)


def random_quaternions(count: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn / drawn.norm(dim=-1, keepdim=True)


def test_the_matrix_is_the_sandwich_product():
    q = random_quaternions(20)
    v = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    pure = torch.cat((torch.zeros(20, 1, dtype=v.dtype), v), -1)
    sandwich = multiply(multiply(q, pure), q * q.new_tensor((1, -1, -1, -1)))
    turned = (matrix_from_quaternion(q) @ v[:, :, None])[:, :, 0]
    torch.testing.assert_close(sandwich[:, 1:], turned)


def test_matrices_are_rotations_whatever_the_length():
    q = random_quaternions(20)
    r = matrix_from_quaternion(3 * q)
    torch.testing.assert_close(r, matrix_from_quaternion(q))
    torch.testing.assert_close(r @ r.mT, torch.eye(3, dtype=r.dtype).expand_as(r))
    torch.testing.assert_close(torch.linalg.det(r), torch.ones(20, dtype=r.dtype))


def test_matrix_round_trip_also_at_half_turns():
    half_turns = torch.eye(4, dtype=torch.float64)
    q = torch.cat((random_quaternions(50), half_turns, random_quaternions(5) * q_without_w()))
    q = normalise(q)
    back = quaternion_from_matrix(matrix_from_quaternion(q))
    assert (back[:, 0] >= 0).all()
    torch.testing.assert_close((back * q).sum(-1).abs(), torch.ones(len(q), dtype=q.dtype))


def q_without_w() -> torch.Tensor:
    return torch.tensor((0.0, 1.0, 1.0, 1.0), dtype=torch.float64)


def test_gradients_are_finite_everywhere():
    q = torch.cat((torch.eye(4), torch.zeros(1, 4))).requires_grad_()
    (normalise(q).sum() + matrix_from_quaternion(q).square().sum()).backward()
    assert q.grad.isfinite().all()
    r = matrix_from_quaternion(torch.eye(4)).requires_grad_()
    quaternion_from_matrix(r).sum().backward()
    assert r.grad.isfinite().all()


def test_the_zero_quaternion_is_the_identity():
    zero = torch.zeros(2, 4)
    torch.testing.assert_close(normalise(zero), torch.tensor([[1.0, 0, 0, 0]]).expand(2, 4))
    torch.testing.assert_close(matrix_from_quaternion(zero), torch.eye(3).expand(2, 3, 3))


@pytest.mark.parametrize("angle", [0.0, 1e-4, 1.0, 90.0, 179.999, 180.0])
def test_geodesic_distance_of_a_known_turn(angle):
    q = random_quaternions(5)
    turned = multiply(about_axis(1, torch.full((5,), angle, dtype=q.dtype)), q)
    torch.testing.assert_close(geodesic_deg(q, turned), torch.full((5,), angle, dtype=q.dtype))
    torch.testing.assert_close(geodesic_deg(q, -turned), geodesic_deg(turned, q))


@pytest.mark.parametrize(
    ("azimuth", "elevation", "stands_at"),
    [(0, 0, (0, 0, 1)), (90, 0, (1, 0, 0)), (180, 0, (0, 0, -1)), (0, 90, (0, 1, 0)), (-90, 30, None)],
)
def test_where_a_view_stands(azimuth, elevation, stands_at):
    az, el = math.radians(azimuth), math.radians(elevation)
    by_hand = (math.sin(az) * math.cos(el), math.sin(el), math.cos(az) * math.cos(el))
    backward = matrix_from_quaternion(
        rotation_from_view(*(torch.tensor([float(a)]) for a in (azimuth, elevation, 0)))
    )
    torch.testing.assert_close(backward[0, 2], torch.tensor(stands_at or by_hand, dtype=torch.float32))
    assert backward[0, 1, 1] >= -1e-6, "up stays up without roll"


def test_view_round_trip():
    draw = torch.rand(100, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 2 - 1
    azimuth, elevation, roll = (draw * draw.new_tensor((179, 89, 179))).unbind(-1)
    for given, found in zip(
        (azimuth, elevation, roll),
        view_from_rotation(rotation_from_view(azimuth, elevation, roll)),
        strict=True,
    ):
        torch.testing.assert_close(given, found)


def test_positive_roll_turns_the_picture_counter_clockwise():
    right, zero = torch.tensor([[1.0], [0.0], [0.0]]), torch.zeros(1)
    seen = matrix_from_quaternion(rotation_from_view(zero, zero, zero + 90)) @ right
    torch.testing.assert_close(seen[0, :, 0], torch.tensor((0.0, 1.0, 0.0)))


def test_the_flip_shows_the_back_from_the_same_place():
    azimuth, elevation, roll = torch.tensor([20.0]), torch.tensor([30.0]), torch.tensor([5.0])
    flipped = flip_about_up(rotation_from_view(azimuth, elevation, roll))
    expected = rotation_from_view(azimuth + 180, elevation, roll)
    torch.testing.assert_close(geodesic_deg(flipped, expected), torch.zeros(1), atol=1e-3, rtol=0)
    turned = matrix_from_quaternion(flipped)
    original = matrix_from_quaternion(rotation_from_view(azimuth, elevation, roll))
    torch.testing.assert_close(turned, original @ torch.diag(torch.tensor((-1.0, 1.0, -1.0))))
