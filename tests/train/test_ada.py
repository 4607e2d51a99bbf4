"""Adaptive augmentation: pictures and cameras move together, and the probability follows the
discriminator."""

import pytest
import torch

from spir.formulas import FORMULAS
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train.gan.ada import (
    AdaConfig,
    SimilarityTransform,
    sample_transform,
    transform_images,
    transform_pose,
)

STILL = SimilarityTransform(torch.zeros(2), torch.ones(2), torch.zeros(2, 2))


@pytest.fixture(scope="module")
def cars():
    torch.manual_seed(0)
    procedural = FORMULAS["car"]
    field = procedural.field(torch.randn(2, procedural.z_dim))
    pose = look_at_pose(
        torch.tensor([30.0, -120.0]),
        torch.tensor([10.0, 25.0]),
        focal=torch.tensor([1.5, 4.0]),
        scale=torch.full((2,), 0.65),
        shift=torch.tensor([[0.05, 0.1], [-0.1, 0.0]]),
    )
    return field, pose


def render_pose(field, pose):
    with torch.no_grad():
        seen = render(field, camera_from_pose(pose), RenderConfig(size=96, samples=8))
    return torch.cat((seen.rgb, seen.alpha[..., None]), -1).permute(0, 3, 1, 2)


def difference_db(a, b):
    return float((-10 * torch.log10((a - b).square().mean((1, 2, 3)) / 4)).min())


@pytest.mark.parametrize(
    "move, least",
    (
        (SimilarityTransform(torch.tensor([0.7, -2.0]), torch.ones(2), torch.zeros(2, 2)), 35),
        (SimilarityTransform(torch.zeros(2), torch.tensor([0.8, 0.7]), torch.zeros(2, 2)), 37),
        (SimilarityTransform(torch.zeros(2), torch.ones(2), torch.tensor([[0.05, -0.08], [0.1, 0.05]])), 28),
    ),
    ids=("turn", "scale", "shift"),
)
def test_the_moved_picture_is_the_moved_cameras_picture(cars, move, least):
    field, pose = cars
    before = render_pose(field, pose)
    moved = render_pose(field, transform_pose(pose, move))
    assert difference_db(transform_images(before, move), moved) > least
    assert difference_db(before, moved) < least - 7


def test_nothing_moves_without_a_move(cars):
    _, pose = cars
    picture = torch.rand(2, 4, 8, 8)
    assert torch.allclose(transform_images(picture, STILL), picture, atol=1e-6)
    for before, after in zip(vars(pose).values(), vars(transform_pose(pose, STILL)).values(), strict=True):
        assert torch.allclose(before, after, atol=1e-6)


def test_zooming_out_keeps_a_valid_focal_length(cars):
    _, pose = cars
    far = SimilarityTransform(torch.zeros(2), torch.full((2,), 0.05), torch.zeros(2, 2))
    assert torch.isfinite(transform_pose(pose, far).z0).all()


def test_each_movement_happens_with_its_probability():
    torch.manual_seed(1)
    config = AdaConfig()
    move = sample_transform(4000, 0.25, config)
    for values in (move.angle, move.scale.log2(), move.shift[:, 0]):
        assert abs(float((values != 0).float().mean()) - 0.25) < 0.03
    assert move.angle.abs().max() <= torch.pi
    assert abs(float(move.scale.log2()[move.scale != 1].std()) - config.scale_octaves) < 0.02
    never = sample_transform(10, 0.0, config)
    assert not never.angle.any() and (never.scale == 1).all() and not never.shift.any()


def test_the_probability_rises_while_the_discriminator_is_too_sure():
    config = AdaConfig(pictures=1000, every=4, max_probability=0.8)
    assert config.next_probability(0.1, 0.9, 10) == pytest.approx(0.14)
    assert config.next_probability(0.1, 0.3, 10) == pytest.approx(0.06)
    assert config.next_probability(0.79, 0.9, 10) == 0.8 and config.next_probability(0.01, 0.0, 10) == 0.0
