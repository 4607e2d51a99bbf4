"""The z-buffer against what can be worked out by hand: a ball, a plate, who hides whom, no holes."""

import pytest
import torch
from scipy.spatial import Delaunay

from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.raster import rasterise
from spir.types import Camera


def camera(azimuth=0.0, elevation=0.0, focal=3.0, scale=0.7):
    number = lambda value: torch.tensor([value])  # noqa: E731
    focal = None if focal is None else number(focal)
    return camera_from_pose(
        look_at_pose(number(azimuth), number(elevation), focal=focal, scale=number(scale))
    )


def ball(rings=160):
    """A unit sphere of 2 rings^2 triangles, within 4e-4 of the true one."""
    polar, around = torch.linspace(0, torch.pi, rings + 1), torch.arange(2 * rings) * torch.pi / rings
    t, p = torch.meshgrid(polar, around, indexing="ij")
    vertices = torch.stack((t.sin() * p.cos(), t.cos(), t.sin() * p.sin()), -1).reshape(-1, 3)
    i, j = torch.meshgrid(torch.arange(rings), torch.arange(2 * rings), indexing="ij")
    a, b = i * 2 * rings + j, i * 2 * rings + (j + 1) % (2 * rings)
    c, d = a + 2 * rings, b + 2 * rings
    return vertices, torch.stack((a, b, c, b, d, c), -1).reshape(-1, 3)


def plate(z=0.0, half=0.5):
    """Two triangles that face +Z."""
    corners = torch.tensor(((-half, -half, z), (half, -half, z), (half, half, z), (-half, half, z)))
    return corners, torch.tensor(((0, 1, 2), (0, 2, 3)))


@pytest.mark.parametrize("focal", [0.9, 3.0, None])
def test_a_ball_against_the_formula(focal):
    view, size = camera(35.0, 20.0, focal), 96
    vertices, faces = ball()
    seen = rasterise(vertices, faces, view, size)
    origins, directions = rays(view, size, size)
    half = (origins * directions).sum(-1)
    root = half.square() - origins.square().sum(-1) + 1
    sure = root.abs() > 0.01
    assert ((root > 0) == seen.hit)[sure].all()
    inner = (root > 0.05) & seen.hit
    true = origins + (-half - root.clamp(min=0).sqrt())[..., None] * directions
    nocs = seen.interpolate(vertices[faces])
    assert (nocs - true)[inner].norm(dim=-1).max() < 2e-3
    towards = view.cam2world[:, :3, 2] / view.cam2world[:, :3, 2].norm(dim=-1, keepdim=True)
    depth = ((view.cam2world[:, None, None, :3, 3] - true) * towards[:, None, None]).sum(-1)
    assert (seen.depth - depth)[inner].abs().max() < 2e-3
    assert (nocs[~seen.hit] == 0).all() and (seen.depth[~seen.hit] == 0).all()


def test_a_plate_covers_the_pixels_whose_centres_it_covers():
    vertices, faces = plate()
    # One object unit covers 0.25 picture widths: the plate's edges at columns 12 and 20 of 32.
    seen = rasterise(vertices, faces, camera(scale=0.5), 32)
    wanted = torch.zeros(32, 32, dtype=torch.bool)
    wanted[12:20, 12:20] = True
    assert torch.equal(seen.hit[0], wanted)
    nocs = seen.interpolate(vertices[faces])[0]
    assert torch.allclose(nocs[12, 12], torch.tensor((-0.4375, 0.4375, 0.0)), atol=1e-5)
    assert torch.allclose(seen.weights.sum(-1)[0][wanted], torch.ones(64))


def test_the_nearer_plate_hides_the_other_from_both_sides():
    near, faces = plate(0.3, 0.3)
    far, _ = plate(-0.3, 0.3)
    both = torch.cat((far, near)), torch.cat((faces, faces + 4))
    assert rasterise(*both, camera(), 32).face[0, 16, 16] >= 2
    assert rasterise(*both, camera(180.0), 32).face[0, 16, 16] < 2


def test_no_holes_and_the_first_of_equals():
    """A square cut into slivers at random has no gap inside; a copy of it behind the first changes nothing."""
    generator = torch.Generator().manual_seed(0)
    inner = 0.96 * torch.rand(60, 2, generator=generator) - 0.48
    corners, _ = plate()
    points = torch.cat((corners[:, :2], inner))

    faces = torch.from_numpy(Delaunay(points.numpy()).simplices).long()
    vertices = torch.cat((points, torch.zeros(len(points), 1)), 1)
    view = camera(31.0, 17.0)
    whole = rasterise(*plate(), view, 128).hit
    assert torch.equal(rasterise(vertices, faces, view, 128).hit, whole) and whole.sum() > 1000
    twice = rasterise(vertices, torch.cat((faces, faces)), view, 128)
    assert twice.face.max() < len(faces)


def test_a_triangle_that_reaches_behind_the_camera_is_drawn_as_far_as_it_is_ahead():
    eye = Camera(torch.eye(4)[None], torch.tensor([1.0]))
    vertices = torch.tensor(((-5.0, -1.0, -20.0), (5.0, -1.0, -20.0), (0.0, -1.0, 10.0)))
    seen = rasterise(vertices, torch.tensor(((0, 1, 2),)), eye, 64)
    # A floor one unit below the eye: below the horizon the depth is 1 / -v, down to the picture's edge.
    v = 0.5 - (torch.arange(64) + 0.5) / 64
    rows = seen.hit[0].any(1)
    assert not rows[:33].any() and rows[40:].all()
    column = seen.depth[0, 40:, 32]
    assert torch.allclose(column, 1 / -v[40:], rtol=1e-4)
    behind = vertices + torch.tensor((0.0, 0.0, 40.0))
    assert not rasterise(behind, torch.tensor(((0, 1, 2),)), eye, 64).hit.any()


def test_nothing_to_see():
    vertices, faces = plate()
    assert not rasterise(vertices, faces[:0], camera(), 8).hit.any()
    flat = rasterise(vertices, torch.tensor(((0, 1, 1),)), camera(), 8)
    assert not flat.hit.any()
    assert not flat.interpolate(torch.ones(1, 3, 2)).any()
