"""Cameras: authors' rays, projection as the inverse of a ray, and the slab test against brute force."""

import pytest
import torch

from spir.geometry.camera import NEAREST, box_near_far, near_far, project, rays
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import Camera
from tests.geometry.poses import FIXTURE, random_pose


@pytest.mark.parametrize("kind", ["flip0", "flip1", "ortho"])
def test_the_authors_rays(kind):
    focal = None if kind == "ortho" else FIXTURE[f"focal_{kind}"]
    origins, directions = rays(Camera(FIXTURE[f"cam2world_{kind}"], focal), 8, 8, pixel_centre=0.0)
    torch.testing.assert_close(origins, FIXTURE[f"ray_o_{kind}"], atol=2e-6, rtol=0)
    torch.testing.assert_close(directions, FIXTURE[f"ray_d_{kind}"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("height", [8, 5])
def test_a_point_on_a_ray_projects_to_its_pixel(orthographic, height):
    camera = camera_from_pose(random_pose(orthographic))
    origins, directions = rays(camera, height, 8)
    torch.testing.assert_close(directions.norm(dim=-1), torch.ones(6, height, 8, dtype=torch.float64))
    where, depth = project(camera, (origins + 3 * directions).reshape(6, -1, 3))
    where = where.reshape(6, height, 8, 2)
    for row in range(height):
        for column in range(8):
            u, v = (column + 0.5) / 8 - 0.5, (height / 2 - row - 0.5) / 8
            expected = torch.tensor((u, v), dtype=torch.float64).expand(6, 2)
            torch.testing.assert_close(where[:, row, column], expected)
    if orthographic:
        torch.testing.assert_close(depth, torch.full_like(depth, 3.0))


def test_projection_of_a_point_in_the_camera_plane_is_finite():
    camera = camera_from_pose(look_at_pose(torch.zeros(1), torch.zeros(1), focal=torch.ones(1)))
    where, depth = project(camera, torch.tensor([[[0.3, 0.0, 2.0]]]))
    assert where.isfinite().all() and depth.abs().max() < 1e-6


def test_near_and_far_against_marching():
    camera = camera_from_pose(look_at_pose(torch.tensor([30.0]), torch.tensor([20.0]), focal=torch.ones(1)))
    origins, directions = rays(camera, 16, 16)
    near, far, hit = near_far(origins, directions, 0.7)
    t = torch.linspace(NEAREST, 6, 6001)
    inside = ((origins[..., None, :] + t[:, None] * directions[..., None, :]).abs() <= 0.7).all(-1)
    sure = inside.sum(-1) > 2
    assert hit[sure].all() and not hit[~inside.any(-1) & ~hit].any() and 0 < hit.sum() < hit.numel()
    first = torch.where(inside, t, torch.inf).amin(-1)
    last = torch.where(inside, t, -torch.inf).amax(-1)
    torch.testing.assert_close(near[sure], first[sure], atol=2e-3, rtol=0)
    torch.testing.assert_close(far[sure], last[sure], atol=2e-3, rtol=0)
    # A ray that brute force never finds inside may still graze a corner, but only that.
    assert (far - near)[hit & ~inside.any(-1)].sum() < 2e-3


def test_no_ray_hits_and_nothing_raises():
    origins = torch.full((2, 4, 3), 5.0)
    directions = torch.tensor([1.0, 0.0, 0.0]).expand(2, 4, 3)
    near, far, hit = near_far(origins, directions, 1.0)
    assert not hit.any() and near.isfinite().all() and torch.equal(near, far)


def test_axis_aligned_rays_and_empty_boxes():
    origins = torch.tensor([[[0.0, 0.0, 3.0]]])
    directions = torch.tensor([[[0.0, 0.0, -1.0]]])
    near, far, hit = near_far(origins, directions, 1.0)
    assert (near.item(), far.item(), hit.item()) == (2.0, 4.0, True)
    assert not near_far(origins, -directions, 1.0)[2].item(), "the cube is behind"
    inside = near_far(torch.zeros(1, 1, 3), directions, 1.0)
    assert inside[0].item() == pytest.approx(NEAREST) and inside[1].item() == 1.0
    nothing = torch.ones(1, 3)
    assert not box_near_far(origins, directions, nothing, -nothing)[2].item()
