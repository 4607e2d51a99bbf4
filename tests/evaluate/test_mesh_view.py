"""The shaded picture of a mesh: right place, right side, nearest triangle."""

import torch

from spir.evaluate.mesh_view import barycentric_grid, mesh_view
from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import Mesh


def camera(azimuth=0.0, elevation=0.0):
    number = lambda value: torch.tensor([value])  # noqa: E731
    return camera_from_pose(
        look_at_pose(number(azimuth), number(elevation), focal=number(3.0), scale=number(0.7))
    )


def square(z, half, colour):
    """Two triangles that face +Z, cut into many so that dots are dense."""
    line = torch.linspace(-half, half, 25)
    vertices = torch.cartesian_prod(line, line, torch.tensor([z]))
    faces = []
    for i in range(24):
        for j in range(24):
            a, b, c, d = 25 * i + j, 25 * (i + 1) + j, 25 * (i + 1) + j + 1, 25 * i + j + 1
            faces += [(a, b, c), (a, c, d)]
    return vertices, torch.tensor(faces), torch.tensor(colour).expand(len(vertices), 3)


def joined(*parts):
    offsets = [0]
    for vertices, _, _ in parts[:-1]:
        offsets.append(offsets[-1] + len(vertices))
    faces = [faces + offset for (_, faces, _), offset in zip(parts, offsets, strict=True)]
    return Mesh(torch.cat([p[0] for p in parts]), torch.cat(faces), torch.cat([p[2] for p in parts]))


RED, BLUE = (1.0, -1.0, -1.0), (-1.0, -1.0, 1.0)


def test_a_square_covers_its_projection_without_holes():
    picture = mesh_view(joined(square(0.0, 0.5, RED)), camera(), 64)
    corner = project(camera(), torch.tensor([[[0.5, 0.5, 0.0]]]))[0][0, 0]
    reach = corner[0].item() * 64
    inner = slice(int(32 - reach) + 1, int(32 + reach) - 1)
    assert (picture[inner, inner] == (255, 0, 0)).all()
    assert (picture[: int(32 - reach) - 1] == 255).all() and (picture[:, int(32 + reach) + 2 :] == 255).all()


def test_the_nearer_square_hides_the_other():
    both = joined(square(0.3, 0.3, BLUE), square(-0.3, 0.3, RED))
    assert mesh_view(both, camera(), 64)[32, 32].tolist() == [0, 0, 255]
    behind = mesh_view(both, camera(180.0), 64)[32, 32]
    assert behind[0] > 50 and behind[2] == 0  # the red one's unlit back


def test_light_comes_from_the_camera():
    plate = joined(square(0.0, 0.4, (1.0, 1.0, 1.0)))
    facing, aslant = (mesh_view(plate, camera(azimuth), 64)[32, 32, 0] for azimuth in (0.0, 60.0))
    assert facing == 255 and abs(int(aslant) - 255 * (0.35 + 0.65 * 0.5)) < 2


def test_slivers_do_not_darken_the_surface():
    vertices, faces, colours = square(0.0, 0.4, (1.0, 1.0, 1.0))
    # A triangle of almost no area that faces away.
    sliver = torch.tensor([[300, 302, 301]])
    nudged = vertices.clone()
    nudged[301, 0] += 1e-6
    plate = Mesh(nudged, torch.cat((faces, sliver)), colours)
    assert (mesh_view(plate, camera(), 64)[26:38, 26:38] == 255).all()


def test_dots_of_a_triangle():
    weights = barycentric_grid(4)
    assert len(weights) == 10 and torch.allclose(weights.sum(1), torch.ones(10))
    assert (weights >= 0).all() and len(weights.unique(dim=0)) == 10
