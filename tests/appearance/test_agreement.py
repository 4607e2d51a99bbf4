"""Photo and mirrored photo agree where the pose is right, and disagree where the plane between the sides is elsewhere."""

from dataclasses import replace

import torch

from spir.appearance.agreement import mirror_agreement
from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import about_axis, multiply
from spir.types import Rendering
from tests.appearance.objects import HALF, pose

SIZE = 128


def seen_from(taken) -> Rendering:
    """The long ball with NOCS, normals and depth; found ray by ray."""
    camera = camera_from_pose(taken)
    origins, directions = rays(camera, SIZE, SIZE)
    a, b = origins / HALF, directions / HALF
    bb, ab, aa = (b * b).sum(-1), (a * b).sum(-1), (a * a).sum(-1) - 1
    root = ab**2 - aa * bb
    alpha = (root > 0).float()
    points = origins + ((-ab - root.clamp(min=0).sqrt()) / bb)[..., None] * directions
    normals = torch.nn.functional.normalize(points / HALF**2, dim=-1)
    forward = -camera.cam2world[0, :3, 2]
    depth = ((points - origins) @ forward) * alpha
    solid = alpha[..., None]
    return Rendering(0 * points, alpha, depth, normals * solid, None, points * solid)


def painted(taken, colour) -> torch.Tensor:
    seen = seen_from(taken)
    return (2 * colour(seen.nocs) - 1) * seen.alpha[..., None]


def even(points):
    """The same on both sides, and different from end to end."""
    value = 0.5 + 0.4 * torch.sin(20 * points[..., 2] + 9 * points[..., 1]) * torch.cos(14 * points[..., 0])
    return value[..., None].expand(*value.shape, 3)


def turned(taken, degrees):
    return replace(taken, quaternion=multiply(taken.quaternion, about_axis(1, torch.tensor([degrees]))))


def agreement(true, found):
    return mirror_agreement(seen_from(found), camera_from_pose(found), painted(true, even))


def test_the_right_pose_agrees_and_others_do_not():
    true = pose(25.0, 20.0)
    right = agreement(true, true)
    assert right > 0.9
    for degrees in (20.0, -25.0, 90.0):
        other = agreement(true, turned(true, degrees))
        assert other is None or other < right - 0.4, degrees


def test_a_side_view_shows_nothing_of_the_other_side():
    assert agreement(pose(90.0, 0.0), pose(90.0, 0.0)) is None


def test_an_object_without_detail_says_nothing_against():
    taken = pose(25.0, 20.0)
    flat = mirror_agreement(seen_from(taken), camera_from_pose(taken), torch.zeros(1, SIZE, SIZE, 3))
    assert flat is None
