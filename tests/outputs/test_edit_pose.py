"""A pose moved by hand: what is asked for moves, and nothing else."""

import pytest
import torch

from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import geodesic_deg, view_from_rotation
from spir.outputs.edit_pose import distance, edit_pose
from spir.session.record import readable_pose


def poses(focal=True):
    torch.manual_seed(3)
    count = 40
    return look_at_pose(
        torch.rand(count) * 360 - 180,
        torch.rand(count) * 160 - 80,
        torch.rand(count) * 360 - 180,
        focal=0.6 + 5 * torch.rand(count) if focal else None,
        scale=0.4 + torch.rand(count),
        shift=torch.rand(count, 2) - 0.5,
    )


def test_nothing_asked_nothing_moved():
    pose = poses()
    same = edit_pose(pose)
    for name in ("z0", "shift", "scale", "quaternion"):
        assert torch.equal(getattr(same, name), getattr(pose, name))


@pytest.mark.parametrize("focal", [True, False])
def test_its_own_numbers_leave_a_pose_where_it_is(focal):
    pose = poses(focal)
    for row in range(len(pose.scale)):
        one = pose[row : row + 1]
        told = readable_pose(one)
        again = edit_pose(
            one, told["azimuth_deg"], told["elevation_deg"], told["roll_deg"], told["focal_widths"], 1.0
        )
        assert geodesic_deg(again.quaternion, one.quaternion) < 1e-2
        assert torch.equal(again.scale, one.scale) and torch.equal(again.shift, one.shift)
        if focal:
            assert torch.allclose(again.z0, one.z0, atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_angle_leaves_the_others(axis):
    pose = poses()
    angles = [None, None, None]
    angles[axis] = 25.0
    before = view_from_rotation(pose.quaternion)
    moved = edit_pose(pose, *angles)
    for i, (now, then) in enumerate(zip(view_from_rotation(moved.quaternion), before, strict=True)):
        wanted = torch.full_like(then, 25.0) if i == axis else then
        turned = (now - wanted + 180) % 360 - 180
        assert turned.abs().max() < 1e-2
    assert torch.equal(moved.z0, pose.z0) and torch.equal(moved.scale, pose.scale)


def test_the_distance_is_the_camera_s():
    pose = poses()
    camera = camera_from_pose(pose)
    _, depth = project(camera, torch.zeros(len(pose.scale), 1, 3))
    assert torch.allclose(distance(pose), depth[:, 0], rtol=1e-4)
    assert torch.allclose(distance(edit_pose(pose, further=1.7)), 1.7 * distance(pose), rtol=1e-5)
    assert distance(poses(focal=False)) is None


def test_a_longer_lens_keeps_the_size_in_the_picture():
    pose = poses()
    tele = edit_pose(pose, focal=9.0)
    assert torch.equal(tele.scale, pose.scale)
    assert torch.allclose(camera_from_pose(tele).focal, torch.tensor(9.0), rtol=1e-5)
    # Points of the plane through the middle that faces the camera stay where they were.
    right = camera_from_pose(pose).cam2world[:, None, :3, 0] * 0.3
    before, after = (project(camera_from_pose(p), right)[0] for p in (pose, tele))
    assert torch.allclose(before, after, atol=1e-5)


def test_an_orthographic_pose_has_no_focal_length_to_change():
    assert edit_pose(poses(focal=False), focal=3.0).z0 is None


@pytest.mark.parametrize(
    "wrong", [{"focal": 0.5}, {"further": 0.0}, {"azimuth_deg": float("nan")}, {"roll_deg": float("inf")}]
)
def test_what_is_no_pose_is_refused(wrong):
    with pytest.raises(ValueError, match="finite"):
        edit_pose(poses(), **wrong)
