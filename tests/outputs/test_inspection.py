"""Reprojection against a brute-force twin, pictures that can be read back, and the scene."""

import json
import math

import numpy as np
import pytest
import torch

from spir.geometry.camera import project, rays
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import matrix_from_quaternion
from spir.outputs.edit_pose import edit_pose
from spir.outputs.inspection import (
    WITHIN,
    error_levels,
    frustum_corners,
    heat_picture,
    inlier_share,
    nocs_points,
    place_picture,
    reprojection_error,
    typical_error,
)
from spir.outputs.mesh import mesh
from spir.outputs.scene import MAX_CAMERA_DISTANCE, scene_figure
from tests.outputs.analytic import Balls

SIZE = 12


def pose(focal=1.3, azimuth=-35.0, scale=0.8):
    one = torch.ones(1)
    return look_at_pose(
        azimuth * one,
        20 * one,
        5 * one,
        focal=None if focal is None else focal * one,
        scale=scale * one,
        shift=torch.tensor([[0.1, -0.05]]),
    )


def exact_map(of, pixel_centre=0.5):
    """A map whose every pixel names a point on its own ray, at depths that differ."""
    origins, directions = rays(camera_from_pose(of), SIZE, SIZE, pixel_centre)
    torch.manual_seed(0)
    return origins + directions * (2 + torch.rand(1, SIZE, SIZE, 1))


def brute(nocs, of):
    """Appendix A.1 with plain numbers, one pixel after another."""
    rotation = matrix_from_quaternion(of.quaternion)[0].double().numpy()
    scale, shift = float(of.scale[0]), of.shift[0].double().numpy()
    width = 1 + math.exp(float(of.z0[0])) if of.z0 is not None else None
    errors = np.zeros((SIZE, SIZE))
    for i in range(SIZE):
        for j in range(SIZE):
            x, y, z = rotation @ nocs[0, i, j].double().numpy()
            if width is None:
                u, v, z = (x * scale + shift[0]) / 2, (y * scale + shift[1]) / 2, -1
            else:
                z -= width / scale
                u = width / 2 * (x + shift[0] / scale) / -z
                v = width / 2 * (y + shift[1] / scale) / -z
            here = (j + 0.5) / SIZE - 0.5, 0.5 - (i + 0.5) / SIZE
            errors[i, j] = math.hypot(u - here[0], v - here[1]) if z < 0 else math.inf
    return errors


@pytest.mark.parametrize("focal", [0.7, 1.3, 6.0, None])
@pytest.mark.parametrize("pixel_centre", [0.5, 0.0])
def test_an_exact_map_under_its_pose_has_no_error(focal, pixel_centre):
    error = reprojection_error(exact_map(pose(focal), pixel_centre), pose(focal), pixel_centre)
    assert error.shape == (1, SIZE, SIZE) and error.max() < 1e-5


@pytest.mark.parametrize("focal", [0.7, 1.3, None])
def test_a_moved_pose_has_the_error_of_the_formulas(focal):
    nocs, moved = exact_map(pose(focal)), edit_pose(pose(focal), 10.0, further=1.2)
    error = reprojection_error(nocs, moved)[0].numpy()
    assert np.allclose(error, brute(nocs, moved), atol=1e-4) and error.mean() > 0.05


def test_behind_the_camera_and_no_number_are_infinitely_far():
    nocs, of = exact_map(pose()), pose()
    centre = camera_from_pose(of).cam2world[0, :3, 3]
    nocs[0, 0, 0] = 2 * centre
    nocs[0, 0, 1] = centre
    nocs[0, 0, 2, 1] = torch.nan
    nocs[0, 0, 3, 0] = torch.inf
    error = reprojection_error(nocs, of)
    assert error[0, 0, :4].isinf().all() and not error.isnan().any()
    assert error[0, 1:].max() < 1e-5


def test_shares_and_medians_are_of_the_object_alone():
    error = torch.full((2, 4, 4), 5.0)
    error[0, :2] = torch.tensor([0.0, WITHIN, 1.1 * WITHIN, torch.inf])
    mask = torch.zeros(2, 4, 4)
    mask[0, :2] = 1
    mask[0, 2] = 0.5
    assert inlier_share(error, mask).tolist() == [0.5, 0.0]
    assert typical_error(error, mask).tolist() == [pytest.approx(WITHIN), math.inf]


def test_heat_runs_from_white_to_black_and_is_clear_elsewhere():
    error, mask = torch.tensor([[0.0, 0.05, 0.1, torch.inf, 0.02]]), torch.tensor([[1.0, 1, 1, 1, 0]])
    assert error_levels(error).tolist() == [[0, 128, 255, 255, 51]]
    picture = heat_picture(error, mask)
    assert picture.shape == (1, 5, 4) and picture[0, 0].tolist() == [255, 255, 255, 255]
    brightness = picture[0, :4, :3].sum(-1).astype(int)
    assert brightness[0] > brightness[1] > brightness[2] == brightness[3]
    assert picture[0, 4].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("scene_range", [1.0, 1.4])
def test_places_can_be_read_back(scene_range):
    torch.manual_seed(1)
    places = (2 * torch.rand(9, 9, 3) - 1) * scene_range
    alpha = torch.rand(9, 9)
    picture = place_picture(places * alpha[..., None], alpha, scene_range)
    back = (torch.from_numpy(picture[..., :3].copy()).float() / 255 * 2 - 1) * scene_range
    seen = alpha > 0.5
    assert (back - places)[seen].abs().max() <= scene_range / 255 + 1e-5
    assert (picture[..., 3] == 255 * seen.numpy()).all() and (picture[~seen.numpy()] == 0).all()


def test_points_are_few_and_always_the_same():
    torch.manual_seed(2)
    nocs, mask = torch.randn(40, 40, 3), (torch.rand(40, 40) > 0.3).float()
    nocs[3, 3] = torch.nan
    points, colours = nocs_points(nocs, mask, 1.0, 200)
    assert points.shape == colours.shape == (200, 3) and points.isfinite().all()
    assert colours.abs().max() <= 1 and torch.equal(points, nocs_points(nocs, mask, 1.0, 200)[0])
    assert nocs_points(nocs, 0 * mask, 1.0)[0].shape == (0, 3)
    assert len(nocs_points(nocs, mask, 1.0)[0]) == int((mask > 0.5).sum() - mask[3, 3])


@pytest.mark.parametrize("focal", [1.3, 5.0, None])
@pytest.mark.parametrize("depth", [0.5, 3.0])
def test_corners_of_the_picture_land_in_its_corners(focal, depth):
    camera = camera_from_pose(pose(focal))
    landed, deep = project(camera, frustum_corners(camera, torch.tensor([depth])))
    wanted = torch.tensor([[[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]]])
    assert torch.allclose(landed, wanted, atol=1e-5) and torch.allclose(deep, torch.tensor(depth), atol=1e-4)


@pytest.mark.parametrize("focal", [0.9, 5.0, None])
def test_a_scene_is_small_and_shows_the_camera_or_its_direction(focal):
    camera = camera_from_pose(pose(focal))
    points = torch.rand(1500, 3) - 0.5
    figure = scene_figure(mesh(Balls(), 48), camera, points, 2 * points)
    text = figure.to_json()
    assert len(text) < 400_000 and json.loads(text)["layout"]["scene"]["camera"]["up"] == {
        "x": 0,
        "y": 1,
        "z": 0,
    }
    surface, cloud, lines, spot = figure.data
    assert len(cloud.x) == 1500 and len(surface.vertexcolor) == len(surface.x)
    place = np.array([spot.x[0], spot.y[0], spot.z[0]])
    centre = camera.cam2world[0, :3, 3].numpy()
    backward = torch.nn.functional.normalize(camera.cam2world[0, :3, 2], dim=0).numpy()
    away = float(centre @ backward)
    assert float(place @ backward) == pytest.approx(min(away, MAX_CAMERA_DISTANCE), abs=2e-3)
    if away <= MAX_CAMERA_DISTANCE:
        assert np.allclose(place, centre, atol=2e-3)
    assert spot.name == "photo's camera" + ("" if focal is None else f", {2 * focal / 0.8:.1f} units away")


def test_a_scene_without_points():
    figure = scene_figure(mesh(Balls(), 16), camera_from_pose(pose()), torch.zeros(0, 3), torch.zeros(0, 3))
    assert len(figure.data[1].x) == 0
