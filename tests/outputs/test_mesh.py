"""Meshes of balls: size, closedness, direction and colours have closed forms."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
import trimesh

from spir.errors import EmptySurfaceError
from spir.outputs import mesh as room
from spir.outputs.mesh import mesh
from tests.outputs.analytic import Balls


def as_trimesh(surface):
    return trimesh.Trimesh(surface.vertices.numpy(), surface.faces.numpy(), process=False)


@pytest.mark.parametrize("scene_range", [0.6, 1.0, 1.4])
def test_sphere_has_the_right_area_and_volume_and_faces_outwards(scene_range):
    radius = 0.45
    surface = mesh(Balls(((0.05, -0.1, 0.02, radius),), scene_range), resolution=64)
    shape = as_trimesh(surface)
    assert shape.is_watertight
    # An inside-out mesh would have a negative volume.
    assert shape.volume == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.02)
    assert shape.area == pytest.approx(4 * math.pi * radius**2, rel=0.02)
    outward = shape.face_normals * (shape.triangles_center - [0.05, -0.1, 0.02])
    assert (outward.sum(1) > 0).all()
    away = surface.vertices - torch.tensor([0.05, -0.1, 0.02])
    assert torch.allclose(away.norm(dim=1), torch.tensor(radius), atol=3e-3)


def test_axes_are_not_swapped():
    surface = mesh(Balls(((0.5, 0.1, -0.3, 0.2),)), resolution=48)
    assert surface.vertices.mean(0).tolist() == pytest.approx([0.5, 0.1, -0.3], abs=0.02)


def test_colours_are_the_fields_at_the_vertices(monkeypatch):
    monkeypatch.setattr(room, "CHUNK", 500)
    field = Balls()
    surface = mesh(field, resolution=32)
    assert len(surface.vertices) > 1000
    assert torch.allclose(surface.colours, field(surface.vertices[None]).rgb[0], atol=1e-6)
    assert torch.allclose(surface.attention @ field.palette, surface.colours, atol=1e-6)


def test_colours_outside_the_range_are_clamped():
    colours = mesh(Balls(palette=torch.full((3, 3), 1.002)), resolution=16).colours
    assert colours.max() == 1


def test_crumbs_are_dropped_unless_asked_for():
    field = Balls(((0.0, 0.0, 0.0, 0.5), (0.8, 0.8, 0.8, 0.1)))
    alone, whole = mesh(field, 48), mesh(field, 48, keep_largest=False)
    assert alone.vertices.norm(dim=1).max() < 0.52
    assert len(as_trimesh(whole).split()) == 2
    both = 4 / 3 * math.pi * (0.5**3 + 0.1**3)
    assert as_trimesh(whole).volume == pytest.approx(both, rel=0.03)
    assert torch.equal(alone.faces.unique(), torch.arange(len(alone.vertices)))


def test_a_surface_that_leaves_the_cube_is_closed_on_its_wall():
    surface = mesh(Balls(((1.0, 0.0, 0.0, 0.5),)), resolution=48)
    shape = as_trimesh(surface)
    assert shape.is_watertight
    assert shape.volume == pytest.approx(2 / 3 * math.pi * 0.5**3, rel=0.05)
    assert surface.vertices.abs().max() <= 1


@dataclass(frozen=True)
class Poisoned(Balls):
    def sdf_grid(self, resolution):
        grid = super().sdf_grid(resolution)
        grid[0, 0, 0, 0] = float("nan")
        return grid


def test_no_surface_has_a_name():
    with pytest.raises(EmptySurfaceError, match="nowhere negative"):
        mesh(Balls(((0.0, 0.0, 5.0, 0.5),)), resolution=16)
    with pytest.raises(EmptySurfaceError, match="not a number"):
        mesh(Poisoned(), resolution=16)


def test_a_field_of_two_objects_is_refused():
    field = Balls()
    two = replace(field)
    object.__setattr__(two, "sdf_grid", lambda resolution: field.sdf_grid(resolution).expand(2, -1, -1, -1))
    with pytest.raises(ValueError, match="holds 2"):
        mesh(two, resolution=8)
