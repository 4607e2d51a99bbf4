"""Pictures of meshes: right place, right colour, right light."""

from dataclasses import replace

import pytest
import torch

from spir.categories import CAR_PALETTE
from spir.data.meshes.read import from_surface
from spir.data.meshes.render import (
    Light,
    crease_normals,
    diffuse_shading,
    random_light,
    render_mesh,
    sample_texture,
    specular_shading,
)
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import Mesh
from tests.data.shapes import box, joined

FLAT = Light((0.0, 1.0, 0.0), sun_strength=0.0, sky=1.0, ground=1.0, contact=0.0, gloss=0.0)
"""Shows every surface in its own colour."""


def camera(azimuth=0.0, elevation=0.0, scale=0.5):
    angles = torch.tensor([azimuth]), torch.tensor([elevation])
    return camera_from_pose(look_at_pose(*angles, focal=torch.tensor([3.0]), scale=torch.tensor([scale])))


def test_maps_of_a_box_seen_from_the_front():
    seen = render_mesh(box(), camera(), 64, FLAT, background=-0.25)
    assert seen.alpha[0, 32, 32] == 1 and seen.alpha[0, 0, 0] == 0
    # The front face is at z = 0.9; its pixels 1.5 and 0.5 right of the middle are 1 / 64 / 0.25 * near apart.
    near = 12 - 0.9
    step = 1 / 64 / 3 * near
    wanted = torch.tensor((0.5 * step, 0.5 * step, 0.9))
    assert torch.allclose(seen.nocs[0, 31, 32], wanted, atol=1e-4)
    assert seen.depth[0, 31, 32].item() == pytest.approx(near, abs=1e-4)
    assert torch.allclose(seen.normals[0, 31, 32], torch.tensor((0.0, 0.0, 1.0)), atol=1e-5)
    assert torch.allclose(seen.rgb[0, 31, 32], torch.full((3,), 0.5), atol=1e-5)
    assert (seen.rgb[0, 0, 0] == -0.25).all()
    # Area of the silhouette: (0.8 by 0.6) * (3 / near) of the picture squared.
    assert seen.alpha.mean().item() == pytest.approx(0.48 * (3 / near) ** 2, rel=0.05)


def test_several_cameras_are_several_pictures():
    two = camera()
    two = type(two)(
        *(torch.cat(pair) for pair in zip(vars(two).values(), vars(camera(90.0)).values(), strict=True))
    )
    both = render_mesh(box(), two, 32, FLAT)
    assert torch.equal(both.rgb[:1], render_mesh(box(), camera(), 32, FLAT).rgb)
    assert torch.equal(both.nocs[1:], render_mesh(box(), camera(90.0), 32, FLAT).nocs)
    assert both.alpha[1].sum() > both.alpha[0].sum()


def test_what_is_in_front_is_seen_from_inside_and_outside():
    small = box((0.1, 0.1, 0.1), centre=(0.0, 0.0, 1.2), colour=-1.0)
    seen = render_mesh(joined(box(), small), camera(), 32, FLAT).rgb[0, 16, 16]
    assert (seen == -1).all()
    assert (render_mesh(joined(box(), small), camera(180.0), 32, FLAT).rgb[0, 16, 16] > 0).all()


def test_surfaces_have_two_sides():
    mesh = box()
    inside_out = replace(mesh, faces=mesh.faces.flip(1))
    light = Light((0.3, 1.0, 0.5))
    a, b = (render_mesh(m, camera(30.0, 20.0), 32, light) for m in (mesh, inside_out))
    assert torch.allclose(a.rgb, b.rgb, atol=1e-5) and torch.allclose(a.normals, b.normals, atol=1e-5)


def test_textures_repeat_and_begin_at_the_lower_left():
    texture = torch.tensor([[[0.0], [1.0]], [[2.0], [3.0]]]).expand(2, 2, 3)
    uv = torch.tensor(((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (1.25, -0.75), (0.5, 0.25), (0.0, 0.25)))
    assert sample_texture(texture, uv)[:, 0].tolist() == [2, 3, 0, 2, 2.5, 2.5]


def test_a_textured_face_shows_its_picture():
    """The front's four quarters in four colours: the upper left of the texture is the upper left of the
    face."""
    mesh = box()
    corners = mesh.vertices[mesh.faces]
    uv = corners[..., :2] / torch.tensor((0.8, 0.6)) + 0.5
    texture = torch.tensor((((1.0, -1, -1), (-1, 1, -1)), ((-1, -1, 1), (1, 1, 1))))
    texture = texture.repeat_interleave(8, 0).repeat_interleave(8, 1)
    mesh = replace(mesh, uv=uv, texture=torch.zeros(12, dtype=torch.long), textures=(texture,))
    rgb = render_mesh(mesh, camera(), 64, FLAT).rgb[0]
    places = ((29, 28), (29, 36), (35, 28), (35, 36))
    wanted = [texture[0, 0], texture[0, 15], texture[15, 0], texture[15, 15]]
    for (row, column), colour in zip(places, wanted, strict=True):
        assert torch.allclose(rgb[row, column], colour, atol=1e-4)


def test_edges_stay_sharp_and_curves_become_round():
    sharp = crease_normals(box().vertices, box().faces)
    assert torch.allclose(sharp.abs().amax(-1), torch.ones(12, 3))
    assert torch.allclose(sharp[:, 0], sharp[:, 1])
    # Two squares that meet at 20 degrees along x = 0; the file gives the shared corners twice.
    tilt = torch.tensor(20.0).deg2rad()
    left = torch.tensor(((-1.0, 0, 0), (0, 0, 0), (0, 1, 0), (-1, 1, 0)))
    right = torch.tensor(((0.0, 0, 0), (tilt.cos(), 0, -tilt.sin()), (tilt.cos(), 1, -tilt.sin()), (0, 1, 0)))
    faces = torch.tensor(((0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)))
    bent = crease_normals(torch.cat((left, right)), faces)
    half = tilt / 2
    # At (0, 0) the left square has one triangle, the right one two: weights by area.
    between = torch.stack((2 * tilt.sin(), 0 * half, 1 + 2 * tilt.cos()))
    assert torch.allclose(bent[0, 1], between / between.norm(), atol=1e-5)
    assert torch.allclose(bent[0, 0], torch.tensor((0.0, 0, 1)), atol=1e-6)
    assert torch.equal(crease_normals(torch.cat((left, right)), faces, 10.0)[0, 1], torch.tensor((0.0, 0, 1)))


def test_light_by_hand():
    light = Light((0.0, 2.0, 0.0), sun_strength=0.5, sky=0.6, ground=0.2, contact=0.5, gloss=1.0)
    up, down, aside = torch.eye(3)[1], -torch.eye(3)[1], torch.eye(3)[0]
    high, low = torch.tensor(1.0), torch.tensor(0.0)
    assert diffuse_shading(up, high, light).item() == pytest.approx(0.6 + 0.5)
    assert diffuse_shading(down, high, light).item() == pytest.approx(0.2)
    assert diffuse_shading(aside, high, light).item() == pytest.approx(0.4)
    assert diffuse_shading(aside, low, light).item() == pytest.approx(0.2)
    straight_down = -up
    assert specular_shading(up, straight_down, light).item() == pytest.approx(0.06 * 0.6 + 0.5)
    grazing = torch.tensor((1.0, -0.01, 0.0))
    assert specular_shading(up, grazing / grazing.norm(), light).item() > 0.3


def test_glass_mirrors_more_than_tyres():
    light = Light((0.0, 1.0, 0.0), gloss=1.0)
    levels = []
    for part in ("tyres", "body paint", "glass"):
        seen = render_mesh(box(part=CAR_PALETTE.index(part), colour=-1.0), camera(0.0, 30.0), 32, light)
        levels.append(seen.rgb[seen.alpha == 1].max().item())
    assert levels[0] == -1 and levels[0] < levels[1] < levels[2]


def test_the_weather_is_the_seed_s():
    first, again, other = (random_light(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first == again != other and first.sun[1] > 0


def test_a_reconstructed_surface_keeps_its_colours():
    source = box()
    mesh = Mesh(source.vertices, source.faces, torch.full((8, 3), -0.5))
    rgb = render_mesh(from_surface(mesh), camera(), 32, FLAT).rgb[0, 16, 16]
    assert torch.allclose(rgb, torch.full((3,), -0.5), atol=1e-5)
