"""From a cut-out to a Guess: shapes, the agreed mask, failures, and the paper's way."""

from dataclasses import replace

import pytest
import torch

from spir.bootstrap.encoder import Encoder, EncoderOutput
from spir.bootstrap.guess import encode, guess, resize
from spir.categories import Category
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import (
    about_axis,
    flip_about_up,
    geodesic_deg,
    matrix_from_quaternion,
    view_from_rotation,
)
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Cutout, Outcome
from tests.tiny import ENCODER, tiny_encoder

CATEGORY = Category("thing", "thing", symmetric=False)


class Seer(Encoder):
    """An encoder that says what it is told to; its features are an untrained network's."""

    def __init__(self, output):
        super().__init__(ENCODER)
        self.output = output

    def forward(self, rgb, mask, half=False):
        return self.output


@pytest.fixture
def story(Wedge):
    """Two views of a wedge: pose, cut-out of 128 pixels, the right map of 64 pixels."""
    torch.manual_seed(0)
    pose = look_at_pose(
        torch.tensor([40.0, 160.0]), torch.tensor([15.0, 5.0]), focal=torch.tensor([1.4, 2.4]),
        scale=torch.tensor([0.7, 0.8]),
    )  # fmt: skip
    views = render(Wedge(2), camera_from_pose(pose), RenderConfig(size=128, nocs=True))
    cutout = Cutout(views.rgb, (views.alpha > 0.5).float(), torch.zeros(2, 4))
    nocs = (views.nocs / views.alpha[..., None].clamp_min(1e-3))[:, ::2, ::2]
    mask = (views.alpha[:, ::2, ::2] > 0.5).float()
    return pose, cutout, EncoderOutput(nocs, mask, mask, torch.randn(2, 1, ENCODER.w_dim))


def test_a_good_map_becomes_a_good_guess(story, Wedge):
    pose, cutout, seen = story
    asked = []
    first = guess(cutout, Seer(seen), lambda code: asked.append(code) or Wedge(2), CATEGORY)
    assert first.outcome == (Outcome.SOLVED, Outcome.SOLVED) and first.pnp_error.max() < 0.02
    # A pixel of the volume rendering near an edge mixes two places, hence not exact.
    assert geodesic_deg(first.pose.quaternion, pose.quaternion).max() < 6
    assert first.nocs.shape == (2, 128, 128, 3) and first.mask.shape == (2, 128, 128)
    assert torch.equal(first.code.w, seen.w) and torch.equal(asked[0].w, seen.w)


def test_front_for_back_is_corrected_unless_the_papers_way_is_asked_for(story, Wedge):
    pose, cutout, seen = story
    wrong = replace(seen, nocs=seen.nocs * torch.tensor([-1.0, 1.0, -1.0]))
    encoder = Seer(wrong)
    ours = guess(cutout, encoder, lambda code: Wedge(2), CATEGORY)
    papers = guess(cutout, encoder, lambda code: pytest.fail("asked for the object"), CATEGORY, compare=False)
    assert geodesic_deg(ours.pose.quaternion, pose.quaternion).max() < 15
    assert geodesic_deg(flip_about_up(papers.pose.quaternion), pose.quaternion).max() < 6


def test_only_pixels_that_cutout_and_prediction_agree_on_count(story, Wedge):
    pose, cutout, seen = story
    # The encoder believes in the whole picture, with nonsense outside the cut-out.
    nonsense = torch.rand(seen.nocs.shape, generator=torch.Generator().manual_seed(0))
    everywhere = EncoderOutput(
        torch.where(seen.mask[..., None] > 0, seen.nocs, nonsense),
        torch.ones_like(seen.mask),
        torch.ones_like(seen.mask),
        seen.w,
    )
    first = guess(cutout, Seer(everywhere), lambda code: Wedge(2), CATEGORY, compare=False)
    assert geodesic_deg(first.pose.quaternion, pose.quaternion).max() < 6


def test_a_failed_item_gets_a_default_pose_and_its_name(story, Wedge):
    pose, cutout, seen = story
    half_blind = replace(seen, mask=seen.mask * torch.tensor([0.0, 1.0])[:, None, None])
    first = guess(cutout, Seer(half_blind), lambda code: Wedge(2), CATEGORY)
    assert first.outcome == (Outcome.TOO_FEW, Outcome.SOLVED)
    assert first.pnp_error[0].isinf() and first.pnp_error[1].isfinite()
    assert geodesic_deg(first.pose.quaternion, pose.quaternion)[1] < 6
    # The default is a front three-quarter view, near enough here for the comparison to keep it.
    assert geodesic_deg(first.pose.quaternion, pose.quaternion)[0] < 30


def test_a_real_encoder_runs_twice_alike_with_its_own_focals(story, Wedge):
    _, cutout, _ = story
    encoder = tiny_encoder()
    runs = [guess(cutout, encoder, lambda code: Wedge(2), CATEGORY, (1.0, 2.0), half=True) for _ in range(2)]
    assert torch.equal(runs[0].pose.quaternion, runs[1].pose.quaternion)
    assert torch.equal(runs[0].nocs, runs[1].nocs)
    assert runs[0].code.w.shape == (2, 1, ENCODER.w_dim) and not runs[0].code.w.requires_grad


def test_two_looks_at_a_symmetric_object_agree_with_its_mirror_image(story):
    """The answer for a mirrored picture is the mirrored answer, however crooked the network."""
    _, cutout, _ = story
    encoder = tiny_encoder()
    mirrored = replace(cutout, rgb=cutout.rgb.flip(2), mask=cutout.mask.flip(2))
    ours, theirs = encode(encoder, cutout, True), encode(encoder, mirrored, True)
    side = torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(ours.nocs, theirs.nocs.flip(2) * side)
    torch.testing.assert_close(ours.mask, theirs.mask.flip(2))
    torch.testing.assert_close(ours.w, theirs.w)
    alone = encode(encoder, cutout, False)
    assert torch.equal(alone.nocs, encoder(cutout.rgb, cutout.mask).nocs)
    assert (alone.nocs - ours.nocs).abs().max() > 1e-4, (
        "the network is symmetric by itself: nothing was tested"
    )


def test_orthographic(story, Wedge):
    _, cutout, seen = story
    first = guess(cutout, Seer(seen), lambda code: Wedge(2), replace(CATEGORY, orthographic=True))
    assert first.pose.z0 is None and first.outcome == (Outcome.SOLVED, Outcome.SOLVED)


def test_resize_keeps_constants_and_means():
    maps = torch.rand(1, 64, 64, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(resize(maps, 16).mean(), maps.mean(), atol=5e-3, rtol=0)
    torch.testing.assert_close(resize(torch.full((1, 16, 16, 1), 0.3), 64), torch.full((1, 64, 64, 1), 0.3))


def test_a_camera_below_the_ground_is_not_the_answer(story, Wedge):
    pose, cutout, seen = story
    tip = matrix_from_quaternion(about_axis(0, torch.tensor([70.0])))[0]
    tipped = replace(seen, nocs=seen.nocs @ tip.T)
    ours = guess(cutout, Seer(tipped), lambda code: Wedge(2), CATEGORY)
    papers = guess(cutout, Seer(tipped), lambda code: Wedge(2), CATEGORY, compare=False)
    below = view_from_rotation(papers.pose.quaternion)[1] < -15
    assert below.any() and papers.outcome == (Outcome.SOLVED, Outcome.SOLVED)
    elevation = view_from_rotation(ours.pose.quaternion)[1]
    assert (elevation[below] > -1).all()
    assert all(outcome == Outcome.LEVELLED for outcome, bad in zip(ours.outcome, below, strict=True) if bad)
