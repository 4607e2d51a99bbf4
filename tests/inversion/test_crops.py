"""Copies of a picture: the right pixels in the right places, the same for both sides and for every item."""

import math

import pytest
import torch

from spir.inversion.crops import CroppedDistance, apply_crops, draw_crops


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def picture(batch=2, size=16, channels=3):
    return torch.rand(batch, size, size, channels, generator=generator(5))


def similarity(scale, angle, x=0.0, y=0.0):
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return torch.tensor([[[c, -s, x], [s, c, y]]])


def test_the_full_frame_comes_first_and_the_identity_changes_nothing():
    rgb = picture()
    copies = apply_crops(rgb, similarity(1, 0))
    assert copies.shape == (4, 16, 16, 3)
    for row in range(4):
        assert torch.allclose(copies[row], rgb[row // 2], atol=1e-5)
    assert apply_crops(rgb, torch.zeros(0, 2, 3)) is rgb


def test_a_quarter_turn_is_a_quarter_turn():
    rgb = picture(1)
    copies = apply_crops(rgb, similarity(1, math.pi / 2))
    assert torch.allclose(copies[1], torch.rot90(rgb[0]), atol=1e-5)


def test_what_lies_outside_is_background():
    rgb = picture(1)
    copies = apply_crops(rgb, similarity(1, 0, x=1.0), fill=-0.7)
    assert torch.allclose(copies[1, :, :8], rgb[0, :, 8:], atol=1e-5)
    assert torch.allclose(copies[1, :, 8:], torch.full((16, 8, 3), -0.7), atol=1e-5)


def test_draws_are_similarities_spread_as_the_paper_says():
    crops = draw_crops(4000, generator())
    linear = crops[:, :, :2]
    scale = torch.linalg.det(linear).sqrt()
    identity = torch.eye(2).expand(4000, 2, 2)
    assert torch.allclose(linear @ linear.mT, identity * scale[:, None, None] ** 2, atol=1e-5)
    assert scale.log2().std().item() == pytest.approx(0.2, rel=0.1)
    assert crops[:, :, 2].std().item() == pytest.approx(0.1, rel=0.1)
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    assert angle.std().item() == pytest.approx(math.pi / math.sqrt(3), rel=0.1)
    assert torch.equal(crops, draw_crops(4000, generator()))


class Pixels:
    """The pictures themselves as features."""

    name = "pixels"

    def __init__(self):
        self.looks = 0

    def features(self, rgb, mask):
        self.looks += 1
        return (torch.cat((rgb, mask[..., None]), -1),)

    def distance(self, ours, theirs):
        return (ours[0] - theirs[0]).square().mean((1, 2, 3))


def test_the_distance_is_the_mean_over_frame_and_copies():
    rgb, alpha, target, mask = picture(), picture()[..., 0], picture().flip(1), picture()[..., 1]
    distance = CroppedDistance(Pixels(), target, mask, 3, 0.2, generator())
    crops = draw_crops(3, generator())
    expected = []
    for row in range(2):
        one = slice(row, row + 1)
        apart = (apply_crops(rgb[one], crops, 0.2) - apply_crops(target[one], crops, 0.2)).square()
        masks = apply_crops(alpha[one, ..., None], crops) - apply_crops(mask[one, ..., None], crops)
        expected.append(torch.cat((apart, masks.square()), -1).mean())
    assert torch.allclose(distance(rgb, alpha), torch.stack(expected), atol=1e-6)
    assert torch.allclose(distance(target, mask), torch.zeros(2), atol=1e-12)


@pytest.mark.parametrize("fresh", [False, True])
def test_the_target_is_looked_at_once_unless_the_copies_are_fresh(fresh):
    pixels = Pixels()
    distance = CroppedDistance(pixels, picture(), picture()[..., 0], 2, 0.0, generator(), fresh)
    other = picture().flip(2)
    found = [distance(other, picture()[..., 1]) for _ in range(3)]
    assert pixels.looks == (7 if fresh else 4)
    assert torch.equal(found[0], found[1]) != fresh
