"""Exact maps give back their poses; bad maps give a named reason."""

import math

import pytest
import torch

from spir.bootstrap.pnp import solve_pnp
from spir.categories import Category
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import geodesic_deg
from spir.types import Outcome

FOCALS = Category("thing", "thing").focal_guesses


def rotation_errors(result, pose):
    return geodesic_deg(result.pose.quaternion, pose.quaternion)


def focal_errors(result, pose):
    return ((1 + result.pose.z0.exp()) / (1 + pose.z0.exp())).log().abs()


@pytest.mark.parametrize("pixel_centre", [0.0, 0.5])
@pytest.mark.parametrize("robust", [False, True])
def test_exact_maps_give_back_the_pose(pixel_centre, robust, ellipsoid_maps, random_pose):
    pose = random_pose(12, seed=0)
    nocs, mask = ellipsoid_maps(pose, 48, pixel_centre)
    result = solve_pnp(nocs, mask, FOCALS, pixel_centre, robust=robust)
    assert set(result.outcome) == {Outcome.SOLVED}
    assert rotation_errors(result, pose).max() < 0.1
    assert focal_errors(result, pose).max() < 1e-3
    torch.testing.assert_close(result.pose.shift, pose.shift, atol=1e-4, rtol=0)
    torch.testing.assert_close(result.pose.scale, pose.scale, atol=0, rtol=1e-3)
    assert result.error.max() < 1e-5
    torch.testing.assert_close(result.inliers, torch.ones(12))


def test_the_wrong_pixel_centre_shows_as_a_shift(ellipsoid_maps, random_pose):
    pose = random_pose(4, seed=1)
    result = solve_pnp(*ellipsoid_maps(pose, 48, 0.0), FOCALS, 0.5)
    offset = torch.tensor([1, -1]) / 48
    torch.testing.assert_close(result.pose.shift - pose.shift, offset.expand(4, 2), atol=5e-3, rtol=0)


def test_the_error_is_the_root_mean_square_of_our_own_projection(ellipsoid_maps, random_pose):
    pose = random_pose(1, seed=2)
    nocs, mask = ellipsoid_maps(pose, 32)
    nocs = nocs + 0.02 * torch.randn(nocs.shape, generator=torch.Generator().manual_seed(0))
    result = solve_pnp(nocs, mask, FOCALS, robust=False)
    rows, columns = torch.nonzero(mask[0], as_tuple=True)
    seen = torch.stack(((columns + 0.5) / 32 - 0.5, 0.5 - (rows + 0.5) / 32), -1)
    projected, _ = project(camera_from_pose(result.pose), nocs[:, rows, columns])
    expected = (projected[0] - seen).square().sum(-1).mean().sqrt()
    torch.testing.assert_close(result.error[0], expected, rtol=1e-3, atol=1e-5)


def test_a_focal_between_the_guesses_is_approached(ellipsoid_maps, random_pose):
    pose = random_pose(12, seed=3)
    nocs, mask = ellipsoid_maps(pose, 48)
    between = (0.7, 0.95, 1.25, 1.6, 2.1, 2.9, 4.5, 9.0)
    ours = solve_pnp(nocs, mask, between)
    papers = solve_pnp(nocs, mask, between, robust=False)
    assert rotation_errors(ours, pose).max() < 0.3
    assert focal_errors(ours, pose).max() < 0.05 < focal_errors(papers, pose).median()


def test_noise_costs_little(ellipsoid_maps, random_pose):
    pose = random_pose(12, seed=4)
    nocs, mask = ellipsoid_maps(pose)
    nocs = nocs + 0.02 * torch.randn(nocs.shape, generator=torch.Generator().manual_seed(0))
    result = solve_pnp(nocs, mask, FOCALS)
    assert rotation_errors(result, pose).max() < 3


def test_outliers_are_left_out(ellipsoid_maps, random_pose):
    pose = random_pose(12, seed=5)
    nocs, mask = ellipsoid_maps(pose)
    generator = torch.Generator().manual_seed(0)
    wrong = torch.rand(mask.shape, generator=generator) < 0.2
    nocs = torch.where(wrong[..., None], 2 * torch.rand(nocs.shape, generator=generator) - 1, nocs)
    ours = solve_pnp(nocs, mask, FOCALS)
    papers = solve_pnp(nocs, mask, FOCALS, robust=False)
    assert rotation_errors(ours, pose).median() < 0.3
    assert rotation_errors(ours, pose).max() < 2
    assert rotation_errors(papers, pose).median() > 5
    assert ((ours.inliers > 0.7) & (ours.inliers < 0.9)).all()


def test_orthographic(ellipsoid_maps, random_pose):
    pose = random_pose(12, seed=6, focal=False)
    result = solve_pnp(*ellipsoid_maps(pose, 48), (), orthographic=True)
    assert set(result.outcome) == {Outcome.SOLVED} and result.pose.z0 is None
    assert rotation_errors(result, pose).max() < 0.2
    torch.testing.assert_close(result.pose.shift, pose.shift, atol=1e-3, rtol=0)
    torch.testing.assert_close(result.pose.scale, pose.scale, atol=0, rtol=1e-2)


def test_failures_are_named_and_do_not_spoil_their_neighbours(ellipsoid_maps, random_pose):
    pose = random_pose(5, seed=7)
    nocs, mask = ellipsoid_maps(pose)
    mask[0] = 0
    nocs[1] = 0.3
    nocs[2] = math.nan
    mask[3] = math.nan
    result = solve_pnp(nocs, mask, FOCALS)
    assert result.outcome == (
        Outcome.TOO_FEW,
        Outcome.DEGENERATE,
        Outcome.DEGENERATE,
        Outcome.TOO_FEW,
        Outcome.SOLVED,
    )
    assert result.error[:4].isinf().all() and (result.inliers[:4] == 0).all()
    for tensor in (result.pose.z0, result.pose.shift, result.pose.scale, result.pose.quaternion):
        assert tensor.isfinite().all()
    torch.testing.assert_close(result.pose.quaternion.norm(dim=-1), torch.ones(5))
    assert rotation_errors(result, pose)[4] < 0.1


def test_no_solution_in_front_is_named(monkeypatch, ellipsoid_maps, random_pose):
    monkeypatch.setattr("spir.bootstrap.pnp.in_front", lambda rotation, translation: False)
    result = solve_pnp(*ellipsoid_maps(random_pose(1, seed=8)), FOCALS)
    assert result.outcome == (Outcome.BEHIND,)


def test_a_line_of_points_is_degenerate():
    ramp = torch.linspace(-1, 1, 32).expand(1, 32, 32)
    nocs = torch.stack((ramp, 2 * ramp, -ramp), -1)
    assert solve_pnp(nocs, torch.ones(1, 32, 32), FOCALS).outcome == (Outcome.DEGENERATE,)


def test_stray_bad_pixels_are_skipped(ellipsoid_maps, random_pose):
    pose = random_pose(2, seed=9)
    nocs, mask = ellipsoid_maps(pose)
    nocs[:, ::5, ::3] = math.nan
    nocs[:, 1::5, ::3] = math.inf
    result = solve_pnp(nocs, mask, FOCALS)
    assert result.outcome == (Outcome.SOLVED, Outcome.SOLVED)
    assert rotation_errors(result, pose).max() < 0.1


def test_a_faint_mask_falls_back_to_its_ordinary_edge(ellipsoid_maps, random_pose):
    pose = random_pose(2, seed=10)
    nocs, mask = ellipsoid_maps(pose)
    assert solve_pnp(nocs, 0.7 * mask, FOCALS).outcome == (Outcome.SOLVED, Outcome.SOLVED)
    assert solve_pnp(nocs, 0.4 * mask, FOCALS).outcome == (Outcome.TOO_FEW, Outcome.TOO_FEW)


def test_few_points_are_enough_and_the_choice_is_repeatable(ellipsoid_maps, random_pose):
    pose = random_pose(4, seed=11)
    nocs, mask = ellipsoid_maps(pose, 128)
    nocs = nocs + 0.01 * torch.randn(nocs.shape, generator=torch.Generator().manual_seed(0))
    first = solve_pnp(nocs, mask, FOCALS, max_points=300)
    again = solve_pnp(nocs, mask, FOCALS, max_points=300)
    assert torch.equal(first.pose.quaternion, again.pose.quaternion)
    assert torch.equal(first.error, again.error)
    assert rotation_errors(first, pose).max() < 3
