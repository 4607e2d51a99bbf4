"""Stage 3a, the third teacher: cars that other people modelled, so that the encoder meets strange shapes too.

Their pictures have the format of the other renderings: every face belongs to a palette entry, light mixes in
"shade" and "highlight" as in §3.1. z is random and only paints; no z describes these shapes.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from spir.categories import CAR_PALETTE
from spir.data.meshes.read import MeshFile, PaintedMesh, area_vectors, box_corners, fit, read_mesh
from spir.data.meshes.render import (
    OVERSAMPLING,
    GBuffer,
    crease_normals,
    downsample,
    gloss,
    random_light,
    render_gbuffer,
)
from spir.data.procedural.cameras import sample_poses
from spir.geometry.pose import camera_from_pose
from spir.train.encoder.shards import Views, to_bytes, to_half

STRETCH = 0.12
"""Standard deviation of the logarithm of a car's proportions."""
MOST_SHADE, MOST_HIGHLIGHT = 0.75, 0.6
"""Limits of the light's attention, as for the procedural cars: no colour drowns in light."""

BODY, SECOND, GLASS, TYRES, RIMS, HEADLIGHTS, TAIL_LIGHTS, TRIM, SHADE, HIGHLIGHT = range(len(CAR_PALETTE))
COLOURMAP = {(1, 0): GLASS, (3, 0): HEADLIGHTS, (5, 0): TAIL_LIGHTS, (5, 1): TRIM, (11, 1): RIMS}
"""Kenney's cars share one texture of 16 columns and 4 rows of swatches: what these always colour."""
GREYS = ((7, 1), (13, 1))
"""Its dark and its light grey: bumpers and number plates on most cars, paint on some."""
PANEL = 0.012
"""Upright faces of a bare cabin larger than this are windows, square object units."""


def parts_by_swatch(mesh: PaintedMesh) -> Int[Tensor, " face"]:
    """Classify the faces of a car painted from the colour map: the colour of the largest area is the
    paint."""
    uv = mesh.uv.mean(1)
    column, row = (uv[:, 0] * 16).long(), (uv[:, 1] * 4).long()
    wheel = mesh.parts == TYRES
    area = area_vectors(mesh.vertices, mesh.faces).norm(dim=-1) * ~wheel
    special = COLOURMAP.keys() | {GREYS[0]}
    cells = set(zip(column.tolist(), row.tolist(), strict=True)) - special
    of = lambda cell: (column == cell[0]) & (row == cell[1])  # noqa: E731
    body = max(sorted(cells), key=lambda cell: float(area[of(cell)].sum()))
    # A car with hardly any colour is painted grey.
    body = GREYS[0] if body == GREYS[1] else body
    plates = area[of(GREYS[1])].sum() < 0.2 * area[of(body)].sum()
    parts = torch.full_like(mesh.parts, SECOND)
    parts[of(GREYS[1])] = HIGHLIGHT if plates else SECOND
    for cell, part in {GREYS[0]: TRIM, **COLOURMAP, body: BODY}.items():
        parts[of(cell)] = part
    parts[wheel & (parts == TRIM) & of((5, 1))] = TYRES
    parts[wheel & of(GREYS[0])] = RIMS
    return parts


def parts_by_shape(mesh: PaintedMesh) -> Int[Tensor, " face"]:
    """Classify the faces of a car without colours: its windows are single large panels."""
    corners = mesh.vertices[mesh.faces]
    facing = area_vectors(mesh.vertices, mesh.faces)
    area, upright = facing.norm(dim=-1), F.normalize(facing, dim=-1)[:, 1].abs() < 0.85
    top = mesh.vertices[:, 1].amax()
    high = (corners[..., 1].mean(1) > 0.12 * top) & (corners[..., 1].amax(1) < 0.97 * top)
    panel = high & upright & (area > PANEL) & (mesh.parts == BODY)
    parts = torch.where(panel, GLASS, mesh.parts)
    return with_rims(mesh, parts)


def parts_by_node(mesh: PaintedMesh) -> Int[Tensor, " face"]:
    """Classify the faces of a car with nothing but wheels and a body; its windows are open."""
    return with_rims(mesh, mesh.parts)


def with_rims(mesh: PaintedMesh, parts: Int[Tensor, " face"]) -> Int[Tensor, " face"]:
    """The parts with the middle of the wheels' outer sides as rims; one axle is in front of the origin, one
    behind it."""
    middle = mesh.vertices[mesh.faces].mean(1)
    sideways = F.normalize(area_vectors(mesh.vertices, mesh.faces), dim=-1)[:, 0].abs() > 0.6
    parts = parts.clone()
    for side in (-1, 1):
        axle = (parts == TYRES) & (middle[:, 2] * side > 0)
        if axle.any():
            disc = middle[axle][:, 1:]
            low, high = mesh.vertices[mesh.faces[axle]][..., 1].aminmax()
            apart = (middle[:, 1:] - (disc.amin(0) + disc.amax(0)) / 2).norm(dim=1)
            parts[axle & (apart < 0.33 * (high - low)) & sideways] = RIMS
    return parts


Rule = Callable[[PaintedMesh], Int[Tensor, " face"]]
KENNEY = "sedan sedan-sports suv suv-luxury taxi police van hatchback-sports".split()
BASIC = "BasicCar CopCar RaceCar SimpleCarHigh SimpleCarShort Taxi".split()
TRAINING_CARS: tuple[tuple[MeshFile, Rule], ...] = (
    *((MeshFile(f"kenney_car_kit/{name}.glb"), parts_by_swatch) for name in KENNEY),
    *((MeshFile(f"quaternius_glb/Basic_Car_Pack_Jan_2017__{name}.glb"), parts_by_shape) for name in BASIC),
    (MeshFile("quaternius_glb/Public_Transport_Pack_Feb_2017__Taxi.glb"), parts_by_shape),
    (MeshFile("sketchbook/car.glb", skip=("Sphere", "Cube.")), parts_by_node),
)
"""Relative to the folder of meshes; none of these shapes is in
`spir.evaluate.benchmarks.meshes.TEST_CARS`."""


def training_car(root: Path, file: MeshFile, rule: Rule) -> PaintedMesh:
    """A car of the table with its parts named. Raises MeshError where the folder lacks it."""
    mesh = read_mesh(root, file)
    return replace(mesh, parts=rule(mesh), textures=(), texture=torch.full_like(mesh.texture, -1))


def paint_lamps(mesh: PaintedMesh, seen: GBuffer, parts: Int[Tensor, "*pixel"]) -> Int[Tensor, "*pixel"]:
    """The parts with lamps painted onto the body, at the usual places of both ends."""
    x, y, z = (seen.nocs / mesh.vertices.amax(0)).unbind(-1)
    # The lower half of the body: y is -1 at the ground, 0 at about the waist.
    place = (x.abs() > 0.5) & (x.abs() < 0.88) & (y > -0.38) & (y < -0.12) & (parts == BODY)
    facing = seen.normals[..., 2]
    parts = torch.where(place & (z > 0.7) & (facing > 0.6), HEADLIGHTS, parts)
    return torch.where(place & (z < -0.7) & (facing < -0.6), TAIL_LIGHTS, parts)


def attention(mesh: PaintedMesh, seen: GBuffer, with_lamps: bool) -> Float[Tensor, "1 fine fine 10"]:
    """The attention of each fine pixel to the palette, light included; it sums to 1 on the car, to 0 off
    it."""
    parts = mesh.parts[seen.fragments.face.clamp(min=0)]
    if with_lamps:
        parts = paint_lamps(mesh, seen, parts)
    layers = F.one_hot(parts, len(CAR_PALETTE)).float()
    shade = (1 - seen.diffuse).clamp(0, MOST_SHADE)[..., None]
    highlight = (seen.specular * gloss(mesh, seen.fragments)).clamp(0, MOST_HIGHLIGHT)[..., None]
    one = torch.eye(len(CAR_PALETTE))
    layers = layers * (1 - shade) + one[SHADE] * shade
    layers = layers * (1 - highlight) + one[HIGHLIGHT] * highlight
    return layers * seen.fragments.hit[..., None]


def stretch(mesh: PaintedMesh, deviation: float = STRETCH) -> PaintedMesh:
    """The mesh in random proportions, fitted into the canonical frame again."""
    return replace(mesh, vertices=fit(mesh.vertices * torch.exp(deviation * torch.randn(3))))


@torch.no_grad()
def car_views(mesh: PaintedMesh, views: int, size: int, z_dim: int) -> Views:
    """Render `views` pictures, each in its own proportions, light and pose; z (standard normal) only paints
    them."""
    bare = not bool((mesh.parts == HEADLIGHTS).any())
    maps = []
    for _ in range(views):
        car = stretch(mesh)
        camera = camera_from_pose(sample_poses(1, box_corners(car)))
        light = random_light(torch.default_generator)
        normals = crease_normals(car.vertices, car.faces)
        seen = render_gbuffer(car, normals, camera, size * OVERSAMPLING, light)
        hit = seen.fragments.hit[..., None]
        maps.append(downsample(torch.cat((attention(car, seen, bare), seen.nocs, hit), -1)))
    layers, nocs, alpha = torch.cat(maps).split((len(CAR_PALETTE), 3, 1), -1)
    return Views(
        z=torch.randn(views, z_dim).numpy(),
        attention=to_bytes(layers),
        nocs=to_half(nocs),
        alpha=to_bytes(alpha[..., 0]),
        known=np.zeros(views, bool),
    )
