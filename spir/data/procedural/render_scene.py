"""A formula's car photographed where it stands: sun and sky on it, its shadow under it, a place around it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from spir.categories import CAR_PALETTE
from spir.data.meshes.photograph import GLOSS, PAINT_GLOSS, Light, light_on, mirrored
from spir.data.procedural.backgrounds import Setting, scenery
from spir.formulas.car_field import CarField
from spir.geometry.camera import box_near_far, rays
from spir.types import Camera

OVERSAMPLING = 2
"""Rays along a pixel's side."""
TRACE_STEPS, SHADOW_STEPS = 48, 20
CHUNK = 32768
"""Points asked of the formula at a time."""
NEAR_ENOUGH = 0.0015
LIGHT_ONLY = {"shade": 0.0, "highlight": 0.02}
"""What these entries of the palette count: they hold the formula's own light, and number plates."""
GROUND_REACH = 2.2
"""So far from the car its shadow is looked for."""


@dataclass(frozen=True)
class Snapshot:
    """A photo and the truth about it."""

    rgb: UInt8[Tensor, "height width 3"]
    mask: Float[Tensor, "height width"]
    """How much of each pixel is car, in [0, 1]."""


@torch.no_grad()
def snapshot(
    field: CarField,
    palette: Float[Tensor, "values 3"],
    camera: Camera,
    setting: Setting,
    light: Light,
    size: tuple[int, int] = (512, 384),
    seed: int = 0,
) -> Snapshot:
    """One car (batch of 1) in the colours of `palette`, in [-1, 1]; `size` is (width, height).

    Perspective cameras only. A matter of some seconds."""
    width, height = size
    origins, directions = (part[0] for part in rays(camera, height * OVERSAMPLING, width * OVERSAMPLING))
    origin = origins[0, 0]
    low = -float(0.5 * field.parameters["height"] * field.units)
    colour, point, on_ground = scenery(origin, directions, setting, low)
    colour = colour * ground_light(field, point, on_ground, light)[..., None]
    hit, place = traced(field, origin, directions)
    colour[hit] = car_light(field, palette, place, directions[hit], light, -low)
    picture = torch.cat((colour.clamp(0, 1), hit[..., None].float()), -1).permute(2, 0, 1)[None]
    picture = F.avg_pool2d(picture, OVERSAMPLING)[0].permute(1, 2, 0)
    return Snapshot(developed(picture[..., :3], seed), picture[..., 3])


def in_chunks(ask, points: Float[Tensor, "point 3"], *more: Tensor) -> Tensor:
    """`ask` of points, a batch of 1 at a time that memory can hold; its answers one after the other."""
    parts = zip(points.split(CHUNK), *(other.split(CHUNK) for other in more), strict=True)
    return torch.cat([ask(*(part[None] for part in chunk))[0] for chunk in parts])


def traced(
    field: CarField, origin: Float[Tensor, " 3"], directions: Float[Tensor, "height width 3"]
) -> tuple[Bool[Tensor, "height width"], Float[Tensor, "hit 3"]]:
    """Which rays meet the car, and where: each walks as far as the distance says is free."""
    flat = directions.reshape(-1, 3)
    corner = torch.full((1, 3), field.scene_range)
    near, far, meets = (
        part[0] for part in box_near_far(origin.expand(1, len(flat), 3), flat[None], -corner, corner)
    )
    at, alive = near.clone(), meets.clone()
    for _ in range(TRACE_STEPS):
        walking = alive.nonzero()[:, 0]
        free = in_chunks(field.sdf, origin + at[walking, None] * flat[walking])
        at[walking] += 0.9 * free
        alive[walking] = (free > NEAR_ENOUGH) & (at[walking] < far[walking])
    hit = meets & (at < far) & ~alive
    return hit.view(directions.shape[:-1]), origin + at[hit, None] * flat[hit]


def car_light(
    field: CarField,
    palette: Float[Tensor, "values 3"],
    place: Float[Tensor, "hit 3"],
    directions: Float[Tensor, "hit 3"],
    light: Light,
    low: float,
) -> Float[Tensor, "hit 3"]:
    """The car's colours under a light, in [0, 1] and above; `low` is how deep below its middle it stands."""
    normal = in_chunks(lambda points: field.normals(points)[1], place)
    counts = torch.tensor([LIGHT_ONLY.get(name, 1.0) for name in CAR_PALETTE])
    weights = in_chunks(field.attention, place, normal) * counts
    weights = weights / weights.sum(-1, keepdim=True)
    height = ((place[:, 1] + low) / (2 * low)).clamp(0, 1)
    sun = F.normalize(place.new_tensor(light.sun), dim=0)
    lit = sunlit(field, place + 0.02 * normal, sun)
    shaded = light_on(normal, height, light)
    # What stands in the car's own shadow gets no sun.
    shaded = shaded - (1 - lit) * light.sun_strength * (normal @ sun).clamp(min=0) * 0.85
    gloss = weights @ torch.tensor([GLOSS.get(name, PAINT_GLOSS) for name in CAR_PALETTE])
    own = (weights @ (palette + 1)) / 2 * torch.tensor(light.tint)
    return own * shaded[:, None] + (gloss * mirrored(normal, directions, light))[:, None]


def sunlit(
    field: CarField, points: Float[Tensor, "point 3"], sun: Float[Tensor, " 3"]
) -> Float[Tensor, " point"]:
    """How much of the sun is seen from points, in [0, 1], its edge soft."""

    def look(start: Tensor) -> Tensor:
        at, seen = torch.full(start.shape[:2], 0.03), torch.ones(start.shape[:2])
        for _ in range(SHADOW_STEPS):
            free = field.sdf(start + at[..., None] * sun)
            seen = torch.minimum(seen, 14 * free / at)
            at = at + free.clamp(0.03, 0.2)
        return seen.clamp(0, 1)

    return in_chunks(look, points)


def ground_light(
    field: CarField,
    point: Float[Tensor, "height width 3"],
    on_ground: Bool[Tensor, "height width"],
    light: Light,
) -> Float[Tensor, "height width"]:
    """How bright the ground is for the car above it, 1 where it stands open: no sun behind it, no sky below."""
    level = torch.ones(on_ground.shape)
    near = on_ground & (point.norm(dim=-1) < GROUND_REACH)
    places = point[near]
    sun = sunlit(field, places, F.normalize(places.new_tensor(light.sun), dim=0))
    closed = torch.zeros(len(places))
    for above in (0.05, 0.12, 0.25, 0.45):
        free = in_chunks(field.sdf, places + torch.tensor((0.0, above, 0.0)))
        closed += (1 - free / above).clamp(0, 1) / 4
    share = light.sun_strength / (light.sun_strength + light.sky)
    level[near] = (1 - share * (1 - sun)) * (1 - 0.8 * closed)
    return level


def developed(rgb: Float[Tensor, "height width 3"], seed: int) -> UInt8[Tensor, "height width 3"]:
    """Darker corners and a little grain, as in any photo; [0, 1] to bytes."""
    height, width = rgb.shape[:2]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    corners = 1 - 0.12 * (x.square() + y.square())[..., None]
    grain = 0.007 * torch.randn(height, width, 1, generator=torch.Generator().manual_seed(seed))
    return ((rgb * corners + grain).clamp(0, 1) * 255).round().to(torch.uint8)
