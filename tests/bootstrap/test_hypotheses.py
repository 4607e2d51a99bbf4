"""A pose with front and back exchanged is found out; a right one is left alone."""

from dataclasses import replace

import pytest
import torch

from spir.bootstrap.encoder import EncoderOutput
from spir.bootstrap.framing import fit_to_mask
from spir.bootstrap.hypotheses import (
    NAMES,
    HypothesisConfig,
    rank_hypotheses,
    turned_quaternions,
)
from spir.bootstrap.pnp import solve_pnp
from spir.categories import Category
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import (
    about_axis,
    flip_about_up,
    front_direction,
    geodesic_deg,
    multiply,
    view_from_rotation,
)
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Cutout, Outcome
from tests.tiny import tiny_encoder

CATEGORY = Category("thing", "thing")


def poses(azimuths, focal=1.8):
    like = torch.ones(len(azimuths))
    return look_at_pose(
        torch.tensor(azimuths),
        12 * like,
        3 * like,
        None if focal is None else focal * like,
        0.7 * like,
        torch.tensor([0.05, -0.02]).expand(len(azimuths), 2),
    )


@pytest.fixture
def scene(Wedge):
    """Field, true pose, cut-out and the map that a perfect encoder would see."""

    def build(azimuths, focal=1.8):
        pose = poses(azimuths, focal)
        field = Wedge(len(azimuths))
        views = render(field, camera_from_pose(pose), RenderConfig(size=64, nocs=True))
        cutout = Cutout(views.rgb, views.alpha, torch.zeros(len(azimuths), 4))
        nocs = views.nocs / views.alpha[..., None].clamp_min(1e-3)
        seen = EncoderOutput(nocs, views.alpha, views.alpha, torch.zeros(len(azimuths), 1, 8))
        return field, pose, cutout, seen

    return build


def yes(count):
    return torch.ones(count, dtype=torch.bool)


@pytest.mark.parametrize("focal", [1.2, 1.8, None])
def test_a_right_pose_stays_as_it_is(scene, focal):
    field, pose, cutout, seen = scene([0.0, 35.0, 90.0, 150.0, -60.0], focal)
    category = replace(CATEGORY, orthographic=focal is None)
    found = rank_hypotheses(field, pose, cutout, seen, yes(5), category)
    assert [names[0] for names in found.names] == ["pnp"] * 5
    for ours, theirs in ((found.ranked[0].quaternion, pose.quaternion), (found.ranked[0].scale, pose.scale)):
        assert torch.equal(ours, theirs)
    assert found.distance[:, 0].max() < 0.06


def test_a_map_that_takes_front_for_back_is_corrected(scene):
    field, pose, cutout, seen = scene([20.0, 70.0, 160.0, -75.0])
    turned = replace(seen, nocs=seen.nocs * torch.tensor([-1.0, 1.0, -1.0]))
    solved = solve_pnp(turned.nocs, turned.mask, CATEGORY.focal_guesses, 0.5)
    assert set(solved.outcome) == {Outcome.SOLVED}
    assert geodesic_deg(solved.pose.quaternion, pose.quaternion).min() > 150
    found = rank_hypotheses(field, solved.pose, cutout, turned, yes(4), CATEGORY)
    assert geodesic_deg(found.ranked[0].quaternion, pose.quaternion).max() < 12
    assert (found.ranked[0].shift - pose.shift).abs().max() < 0.06
    assert (found.ranked[0].scale / pose.scale).log().abs().max() < 0.06


@pytest.mark.parametrize("name", NAMES[2:])
def test_every_confusion_is_undone(scene, name):
    field, pose, cutout, seen = scene([40.0, -130.0])
    confused = replace(pose, quaternion=turned_quaternions(pose)[:, NAMES.index(name)])
    # Without the map's say: it would have to be wrong in its own way for every confusion.
    config = HypothesisConfig(nocs=0.0)
    found = rank_hypotheses(field, confused, cutout, seen, yes(2), CATEGORY, config=config)
    assert geodesic_deg(found.ranked[0].quaternion, pose.quaternion).max() < 0.1


def test_the_margin_protects_pnp(scene):
    field, pose, cutout, seen = scene([20.0])
    flipped = replace(pose, quaternion=flip_about_up(pose.quaternion))
    timid = HypothesisConfig(turn_margin=10.0, refit_margin=10.0)
    found = rank_hypotheses(field, flipped, cutout, seen, yes(1), CATEGORY, config=timid)
    assert found.names[0][0] == "pnp"
    unsolved = rank_hypotheses(field, flipped, cutout, seen, ~yes(1), CATEGORY, config=timid)
    assert unsolved.names[0][0] != "pnp"


def test_a_misplaced_pose_is_refitted(scene):
    field, pose, cutout, seen = scene([40.0, 130.0])
    off = replace(pose, shift=pose.shift + 0.3, scale=0.7 * pose.scale)
    found = rank_hypotheses(field, off, cutout, seen, yes(2), CATEGORY)
    assert [names[0] for names in found.names] == ["refitted"] * 2
    assert (found.ranked[0].shift - pose.shift).abs().max() < 0.02
    assert (found.ranked[0].scale / pose.scale).log().abs().max() < 0.03


def test_the_encoders_features_join_in_and_items_are_independent(scene):
    encoder = tiny_encoder()
    field, pose, cutout, seen = scene([40.0, 130.0])
    plain = rank_hypotheses(field, pose, cutout, seen, yes(2), CATEGORY)
    both = rank_hypotheses(field, pose, cutout, seen, yes(2), CATEGORY, encoder)
    again = rank_hypotheses(field, pose, cutout, seen, yes(2), CATEGORY, encoder)
    assert torch.equal(both.distance, again.distance) and both.names == again.names
    assert (both.distance[:, -1] > plain.distance[:, -1]).all()
    field, *_ = scene([130.0])
    alone = rank_hypotheses(field, pose[1:], cutout[1:], seen[1:], yes(1), CATEGORY, encoder)
    assert alone.names[0] == both.names[1]
    torch.testing.assert_close(alone.distance[0], both.distance[1], atol=1e-4, rtol=0)


def test_turns_say_what_they_do():
    pose = poses([30.0, -100.0])
    turned = turned_quaternions(pose)
    expected = torch.tensor([[30, 30, -150, 150, -60, 120], [-100, -100, 80, -80, 170, -10]])
    for k in range(len(NAMES)):
        azimuth, elevation, roll = view_from_rotation(turned[:, k])
        torch.testing.assert_close(azimuth, expected[:, k].float(), atol=1e-2, rtol=0)
        torch.testing.assert_close(elevation, torch.full((2,), 12.0), atol=1e-2, rtol=0)
        torch.testing.assert_close(roll, torch.full((2,), 3.0), atol=1e-2, rtol=0)


def test_fitting_moves_a_square_onto_another():
    have, want = torch.zeros(1, 64, 64), torch.zeros(1, 32, 32)
    have[0, 16:32, 16:32] = 1
    want[0, 16:32, 16:32] = 1
    fitted = fit_to_mask(look_at_pose(*torch.zeros(2, 1)), have, want)
    torch.testing.assert_close(fitted.scale, torch.tensor([2.0]))
    torch.testing.assert_close(fitted.shift, torch.tensor([[1.0, -1.0]]))


def test_an_object_out_of_the_picture_is_no_catastrophe(scene):
    field, pose, cutout, seen = scene([40.0])
    away = replace(pose, shift=pose.shift + 5)
    found = rank_hypotheses(field, away, cutout, seen, yes(1), CATEGORY)
    assert found.distance.isfinite().all() and sorted(found.names[0]) == sorted(NAMES)
    empty = replace(cutout, mask=torch.zeros_like(cutout.mask))
    assert rank_hypotheses(field, pose, empty, seen, yes(1), CATEGORY).distance.isfinite().all()


def test_a_sure_front_decides_between_a_pose_and_its_half_turn(scene):
    field, pose, cutout, seen = scene([20.0, 70.0, -75.0])
    turned = replace(pose, quaternion=multiply(pose.quaternion, about_axis(1, torch.full((3,), 180.0))))
    nothing = HypothesisConfig(silhouette=0.0, colour=0.0, features=0.0, nocs=0.0)
    for sureness, expected in ((0.9, 0.0), (-0.9, 180.0)):
        told = replace(seen, front=sureness * front_direction(pose.quaternion))
        found = rank_hypotheses(field, turned, cutout, told, yes(3), CATEGORY, config=nothing)
        apart = geodesic_deg(found.ranked[0].quaternion, pose.quaternion)
        assert (apart - expected).abs().max() < 1
