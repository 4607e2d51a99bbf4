"""Poses: what each parameter does to the picture, round trips, and parity with the authors' cameras."""

from dataclasses import replace

import pytest
import torch

from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose, pose_from_camera, renormalise
from spir.geometry.rotation import geodesic_deg
from spir.types import Pose
from tests.geometry.poses import FIXTURE, authors_pose, random_pose


def test_parity_flipped():
    camera = camera_from_pose(authors_pose(), flipped=True)
    torch.testing.assert_close(camera.cam2world, FIXTURE["cam2world_flip1"], atol=2e-6, rtol=0)
    torch.testing.assert_close(camera.focal, FIXTURE["focal_flip1"])


def test_parity_unflipped_needs_the_shift_negated():
    pose = authors_pose()
    camera = camera_from_pose(replace(pose, shift=-pose.shift))
    torch.testing.assert_close(camera.cam2world, FIXTURE["cam2world_flip0"], atol=2e-6, rtol=0)
    torch.testing.assert_close(camera.focal, FIXTURE["focal_flip0"])


def test_parity_orthographic():
    camera = camera_from_pose(authors_pose(orthographic=True), flipped=True)
    # Only their [3, 3] differs: they write 1 / scale there and never use it.
    torch.testing.assert_close(camera.cam2world[:, :3], FIXTURE["cam2world_ortho"][:, :3], atol=5e-6, rtol=0)
    assert camera.focal is None


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("flipped", [False, True])
def test_round_trip(orthographic, flipped):
    pose = random_pose(orthographic)
    back = pose_from_camera(camera_from_pose(pose, flipped), flipped)
    torch.testing.assert_close(back.shift, pose.shift)
    torch.testing.assert_close(back.scale, pose.scale)
    torch.testing.assert_close(
        geodesic_deg(back.quaternion, pose.quaternion),
        torch.zeros(6, dtype=torch.float64),
        atol=1e-5,
        rtol=0,
    )
    if not orthographic:
        torch.testing.assert_close(back.z0, pose.z0)


@pytest.mark.parametrize("orthographic", [False, True])
def test_the_centre_lands_at_shift_and_scale_is_magnification(orthographic):
    pose = random_pose(orthographic)
    camera = camera_from_pose(pose)
    across = (
        camera.cam2world[:, :3, 0] / torch.linalg.vector_norm(camera.cam2world[:, :3, 0], dim=-1)[:, None]
    )
    centre, _ = project(camera, torch.zeros(6, 1, 3, dtype=torch.float64))
    beside, _ = project(camera, across[:, None])
    torch.testing.assert_close(2 * centre[:, 0], pose.shift)
    torch.testing.assert_close(2 * (beside - centre)[:, 0, 0], pose.scale)


def test_z0_changes_perspective_alone():
    pose = random_pose(False)
    wide, narrow = (camera_from_pose(replace(pose, z0=torch.full_like(pose.z0, z))) for z in (-1.0, 3.0))
    centre = torch.zeros(6, 1, 3, dtype=torch.float64)
    torch.testing.assert_close(project(wide, centre)[0], project(narrow, centre)[0])
    nearer = 0.2 * torch.nn.functional.normalize(wide.cam2world[:, :3, 2], dim=-1)[:, None]
    assert not torch.allclose(project(wide, nearer)[0], project(narrow, nearer)[0], atol=1e-3)


def test_flipped_and_unflipped_span_the_same_cameras():
    camera = camera_from_pose(random_pose(False), flipped=True)
    again = camera_from_pose(pose_from_camera(camera))
    torch.testing.assert_close(again.cam2world, camera.cam2world)


def test_renormalise():
    pose = Pose(
        torch.tensor([-9.0, 1.0]), torch.ones(2, 2), torch.tensor([-2.0, 3.0]), 2 * torch.eye(4)[:2] + 0.1
    )
    valid = renormalise(pose)
    torch.testing.assert_close(valid.z0, torch.tensor([-4.0, 1.0]))
    torch.testing.assert_close(valid.scale, torch.tensor([2.0, 3.0]))
    torch.testing.assert_close(valid.quaternion.norm(dim=-1), torch.ones(2))
    again = renormalise(valid)
    torch.testing.assert_close(again.quaternion, valid.quaternion)
    assert renormalise(replace(pose, z0=None)).z0 is None


def test_look_at():
    pose = look_at_pose(torch.tensor([90.0]), torch.tensor([0.0]), focal=torch.tensor([1.5]))
    camera = camera_from_pose(pose)
    torch.testing.assert_close(camera.focal, torch.tensor([1.5]))
    torch.testing.assert_close(camera.cam2world[0, :3, 3], torch.tensor((3.0, 0.0, 0.0)), atol=1e-6, rtol=0)
    # From +X the front of the object, +Z, is on the left.
    front, _ = project(camera, torch.tensor([[[0.0, 0.0, 0.5]]]))
    assert front[0, 0, 0] < -0.1


def test_every_parameter_has_a_finite_gradient():
    pose = random_pose(False)
    leaves = [t.clone().requires_grad_() for t in (pose.z0, pose.shift, pose.scale, pose.quaternion)]
    camera_from_pose(Pose(*leaves)).cam2world.square().sum().backward()
    for leaf in leaves:
        assert leaf.grad.isfinite().all() and leaf.grad.abs().sum() > 0
