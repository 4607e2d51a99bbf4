"""Where a mask sits, against boxes and discs known in advance."""

import math

import torch

from spir.bootstrap.framing import DEFAULT_HALF, centre_and_size, default_pose, upright_fallback
from spir.geometry.pose import look_at_pose
from spir.geometry.rotation import view_from_rotation


def test_a_rectangle():
    mask = torch.zeros(1, 64, 64)
    mask[0, 8:24, 32:64] = 1
    centre, size = centre_and_size(mask)
    torch.testing.assert_close(centre, torch.tensor([[0.5, 0.5]]))
    torch.testing.assert_close(size, torch.tensor([math.sqrt(1.0 * 0.5)]))


def test_half_a_pixel_is_seen():
    mask = torch.zeros(1, 32, 32)
    mask[0, 10:20, 10:20] = 1
    moved = mask.clone()
    moved[0, 10:20, 10] = 0.5
    moved[0, 10:20, 20] = 0.5
    (before, _), (after, _) = centre_and_size(mask), centre_and_size(moved)
    torch.testing.assert_close(after - before, torch.tensor([[1 / 32, 0.0]]))


def test_the_default_pose_faces_the_camera_where_the_mask_is():
    mask = torch.zeros(2, 64, 64)
    mask[0, 0:32, 0:32] = 1
    pose = default_pose(mask, 1.8, orthographic=False)
    azimuth, elevation, roll = view_from_rotation(pose.quaternion)
    assert ((azimuth > 0) & (azimuth < 90) & (elevation > 0) & (roll.abs() < 1e-3)).all()
    torch.testing.assert_close(pose.shift, torch.tensor([[-0.5, 0.5], [0.0, 0.0]]))
    torch.testing.assert_close((1 + pose.z0.exp()) / 2, torch.tensor([1.8, 1.8]))
    assert 0.5 < pose.scale[0] < 1 and pose.scale[1] == DEFAULT_HALF


def test_the_default_pose_survives_anything():
    mask = torch.full((1, 16, 16), math.nan)
    pose = default_pose(mask, 1.8, orthographic=True)
    assert pose.z0 is None and pose.shift.isfinite().all() and pose.scale.isfinite().all()


def test_cameras_where_nobody_stands_are_levelled():
    azimuth = torch.tensor([30.0, 30.0, 30.0, 30.0])
    elevation, roll = torch.tensor([10.0, -40.0, 10.0, 80.0]), torch.tensor([20.0, 5.0, 120.0, 0.0])
    pose = look_at_pose(azimuth, elevation, roll, focal=2 * torch.ones(4), shift=torch.full((4, 2), 0.1))
    found, plausible = upright_fallback(pose, (-15.0, 90.0), 35.0)
    assert plausible.tolist() == [True, False, False, True]
    assert torch.equal(found.quaternion[[0, 3]], pose.quaternion[[0, 3]])
    views = torch.stack(view_from_rotation(found.quaternion), 1)
    assert torch.allclose(views[1], torch.tensor([30.0, 0.0, 0.0]), atol=1e-3)
    assert torch.allclose(views[2], torch.tensor([30.0, 10.0, 0.0]), atol=1e-3)
    assert torch.equal(found.shift, pose.shift) and upright_fallback(pose, (-90.0, 90.0), 180.0)[1].all()
