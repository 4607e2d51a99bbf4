"""Every entry of the table: nothing to say about a perfect fit, something to follow otherwise."""

from dataclasses import replace

import pytest
import torch

from spir.geometry.density import LaplaceDensity
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.inversion.losses import LOSSES, Prediction, Target, colour, silhouette, total_loss
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import FieldSample


class Ball:
    """Of radius a half, grey."""

    scene_range = 1.0
    density = LaplaceDensity(torch.tensor(0.03), torch.tensor(0.03))

    def sdf(self, points):
        return points.norm(dim=-1) - 0.5

    def __call__(self, points, directions=None):
        sdf = self.sdf(points)
        return FieldSample(sdf, self.density(sdf), torch.zeros_like(points))

    def sdf_grid(self, resolution):
        line = torch.linspace(-1, 1, resolution)
        return self.sdf(torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1))[None]

    def optical_depth(self, start, end, length):
        return self.density.optical_depth(start, end, length)


def look(rgb, alpha):
    return (rgb - 0.1).square().mean((1, 2, 3)) + alpha.square().mean((1, 2))


def pair(seed=0, batch=3):
    g = torch.Generator().manual_seed(seed)
    rgb, alpha = torch.rand(batch, 8, 8, 3, generator=g), torch.rand(batch, 8, 8, generator=g)
    w = torch.randn(batch, 4, 5, generator=g)
    goal_rgb, mask = torch.rand(batch, 8, 8, 3, generator=g), torch.rand(batch, 8, 8, generator=g)
    return Prediction(rgb, alpha, w), Target(goal_rgb, mask, torch.randn(batch, 4, 5, generator=g), look)


@pytest.mark.parametrize("name", LOSSES)
def test_a_perfect_fit_costs_nothing(name):
    prediction, target = pair()
    perfect = Target(
        prediction.rgb,
        prediction.alpha,
        prediction.w,
        lambda rgb, alpha: (rgb - prediction.rgb).sum((1, 2, 3)),
    )
    assert torch.allclose(LOSSES[name](prediction, perfect), torch.zeros(3), atol=1e-6)
    assert (LOSSES[name](prediction, target) > 0.01).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("empty", [False, True])
def test_gradients_are_finite_and_stay_with_their_item(name, empty):
    prediction, target = pair()
    if empty:
        prediction = Prediction(prediction.rgb * 0, prediction.alpha * 0, prediction.w)
        target = replace(target, mask=target.mask * 0)
    leaves = [value.clone().requires_grad_() for value in (prediction.rgb, prediction.alpha, prediction.w)]
    loss = LOSSES[name](Prediction(*leaves), target)
    assert loss.shape == (3,) and loss.isfinite().all()
    gradients = torch.autograd.grad(loss[1], leaves, allow_unused=True)
    found = [gradient for gradient in gradients if gradient is not None]
    assert found and all(gradient.isfinite().all() for gradient in found)
    assert all(not gradient[[0, 2]].any() for gradient in found)


@pytest.mark.parametrize("name", LOSSES)
def test_an_item_costs_the_same_alone(name):
    prediction, target = pair()
    together = LOSSES[name](prediction, target)
    one = slice(1, 2)
    alone = LOSSES[name](
        Prediction(prediction.rgb[one], prediction.alpha[one], prediction.w[one]),
        Target(target.rgb[one], target.mask[one], target.w[one], look),
    )
    assert torch.allclose(alone, together[one])


def test_silhouettes_in_closed_form():
    alpha, mask = torch.zeros(1, 8, 8), torch.zeros(1, 8, 8)
    alpha[:, :4], mask[:, 2:6] = 1, 1
    prediction, target = pair(batch=1)
    loss = silhouette(replace(prediction, alpha=alpha), replace(target, mask=mask))
    assert loss.item() == pytest.approx(1 - 16 / 48 + 32 / 64, abs=1e-5)


def test_colour_counts_where_either_silhouette_is_and_does_not_shrink_the_object():
    prediction, target = pair(batch=1)
    alpha = torch.zeros(1, 8, 8)
    alpha[:, :2] = 1
    rgb = target.rgb.clone()
    rgb[:, 4:] += 1
    prediction = Prediction(rgb, alpha.requires_grad_(), prediction.w)
    assert colour(prediction, replace(target, mask=alpha.detach())).item() == pytest.approx(0, abs=1e-6)
    wider = torch.zeros(1, 8, 8)
    wider[:, 6:] = 1
    loss = colour(prediction, replace(target, mask=wider))
    assert loss.item() == pytest.approx(0.5 * 0.99, abs=1e-2)
    assert not loss.requires_grad


@pytest.mark.parametrize("side", [-1, 1])
def test_partly_overlapping_silhouettes_pull_the_pose_home(side):
    def view(shift):
        pose = look_at_pose(torch.zeros(1), torch.zeros(1), focal=torch.full((1,), 1.4), shift=shift)
        return render(Ball(), camera_from_pose(pose), RenderConfig(size=32, samples=8))

    with torch.no_grad():
        mask = view(torch.zeros(1, 2)).alpha
    shift = torch.tensor([[0.4 * side, 0.0]], requires_grad=True)
    seen = view(shift)
    target = Target(seen.rgb.detach(), mask, torch.zeros(1, 1, 1), look)
    loss = silhouette(Prediction(seen.rgb, seen.alpha, torch.zeros(1, 1, 1)), target)
    (gradient,) = torch.autograd.grad(loss.sum(), shift)
    assert gradient[0, 0] * side > 0.1


def test_the_total_is_the_weighted_sum_and_skips_what_has_no_weight():
    prediction, target = pair()

    def forbidden(rgb, alpha):
        raise AssertionError

    found = total_loss(
        prediction,
        replace(target, distance=forbidden),
        (("silhouette", 2.0), ("colour", 0.5), ("perceptual", 0.0)),
    )
    assert torch.allclose(found, 2 * silhouette(prediction, target) + 0.5 * colour(prediction, target))
