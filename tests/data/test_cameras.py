"""Random cameras frame the object they are given."""

import torch

from spir.data.procedural.cameras import FOCAL_GUESSES, FOCAL_RANGE, sample_poses
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import view_from_rotation


def test_the_box_fills_the_picture_up_to_its_margin():
    torch.manual_seed(0)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    corners = (signs * torch.tensor([0.4, 0.3, 0.9])).expand(64, 8, 3)
    pose = sample_poses(64, corners, margin=0.05)
    camera = camera_from_pose(pose)
    seen, depth = project(camera, corners)
    assert (depth > 0).all()
    low, high = seen.amin(dim=1), seen.amax(dim=1)
    size_error, off_centre = ((high - low).amax(dim=1) - 0.9).abs(), (low + high).abs().amax(dim=1)
    assert size_error.quantile(0.95) < 0.001 and size_error.max() < 0.01
    assert off_centre.quantile(0.95) < 0.001 and off_centre.max() < 0.01
    assert (camera.focal >= FOCAL_RANGE[0] - 1e-4).all() and (camera.focal <= FOCAL_RANGE[1] + 1e-3).all()


def test_cameras_come_from_all_sides_and_rarely_from_below():
    torch.manual_seed(0)
    corners = torch.tensor([[-0.4, -0.3, -0.9], [0.4, 0.3, 0.9]]).expand(500, 2, 3)
    azimuth, elevation, roll = view_from_rotation(sample_poses(500, corners).quaternion)
    assert torch.histc(azimuth, 8, -180, 180).min() > 30
    assert elevation.min() >= -7 and elevation.max() <= 76 and (elevation > 40).float().mean() > 0.1
    assert roll.abs().mean() < 6


def test_focal_guesses_cover_the_range():
    assert FOCAL_RANGE[0] <= FOCAL_GUESSES[0] and FOCAL_GUESSES[-1] <= FOCAL_RANGE[1]
    assert list(FOCAL_GUESSES) == sorted(FOCAL_GUESSES)
