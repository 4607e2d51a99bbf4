"""Renders a procedural car in a scene: sun and sky on it, its shadow under it, a background around it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from spir.categories import CAR_PALETTE
from spir.data.meshes.render import GLOSS, PAINT_GLOSS, Light, diffuse_shading, specular_shading
from spir.data.procedural.backgrounds import Background, render_background
from spir.formulas.car_field import CarField
from spir.geometry.camera import box_near_far, rays
from spir.types import Camera

OVERSAMPLING = 2
"""Number of rays along a pixel's side."""
TRACE_STEPS, SHADOW_STEPS = 48, 20
CHUNK = 32768
"""The formula is evaluated at so many points at a time."""
SURFACE_DISTANCE = 0.0015
"""Sphere tracing ends at this distance from the surface, object units."""
LIGHT_ONLY = {"shade": 0.0, "highlight": 0.02}
"""Weights of the palette entries that hold the formula's own light, and number plates; all others count 1."""
GROUND_REACH = 2.2
"""The shadow on the ground is computed up to this distance from the car, object units."""


@dataclass(frozen=True)
class RenderedScene:
    """A rendered photo and its true mask."""

    rgb: UInt8[Tensor, "height width 3"]
    mask: Float[Tensor, "height width"]
    """Share of each pixel that is car, in [0, 1]."""


@torch.no_grad()
def render_scene(
    field: CarField,
    palette: Float[Tensor, "values 3"],
    camera: Camera,
    background: Background,
    light: Light,
    size: tuple[int, int] = (512, 384),
    seed: int = 0,
) -> RenderedScene:
    """Render one car (a batch of 1) in the colours of `palette`, in [-1, 1]; `size` is (width, height).

    The camera must be perspective. A picture takes some seconds."""
    width, height = size
    origins, directions = (part[0] for part in rays(camera, height * OVERSAMPLING, width * OVERSAMPLING))
    origin = origins[0, 0]
    low = -float(0.5 * field.parameters["height"] * field.units)
    colour, point, on_ground = render_background(origin, directions, background, low)
    colour = colour * shade_ground(field, point, on_ground, light)[..., None]
    hit, place = sphere_trace(field, origin, directions)
    colour[hit] = shade_car(field, palette, place, directions[hit], light, -low)
    picture = torch.cat((colour.clamp(0, 1), hit[..., None].float()), -1).permute(2, 0, 1)[None]
    picture = F.avg_pool2d(picture, OVERSAMPLING)[0].permute(1, 2, 0)
    return RenderedScene(vignette_and_grain(picture[..., :3], seed), picture[..., 3])


def in_chunks(ask, points: Float[Tensor, "point 3"], *more: Tensor) -> Tensor:
    """Evaluate `ask` at points in chunks that fit into memory, each a batch of 1, and concatenate the
    results."""
    parts = zip(points.split(CHUNK), *(other.split(CHUNK) for other in more), strict=True)
    return torch.cat([ask(*(part[None] for part in chunk))[0] for chunk in parts])


def sphere_trace(
    field: CarField, origin: Float[Tensor, " 3"], directions: Float[Tensor, "height width 3"]
) -> tuple[Bool[Tensor, "height width"], Float[Tensor, "hit 3"]]:
    """Sphere tracing: which rays hit the car, and where."""
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
        alive[walking] = (free > SURFACE_DISTANCE) & (at[walking] < far[walking])
    hit = meets & (at < far) & ~alive
    return hit.view(directions.shape[:-1]), origin + at[hit, None] * flat[hit]


def shade_car(
    field: CarField,
    palette: Float[Tensor, "values 3"],
    place: Float[Tensor, "hit 3"],
    directions: Float[Tensor, "hit 3"],
    light: Light,
    low: float,
) -> Float[Tensor, "hit 3"]:
    """The car's colours under a light, in [0, 1] and above; the ground is `low` units below its middle."""
    normal = in_chunks(lambda points: field.normals(points)[1], place)
    counts = torch.tensor([LIGHT_ONLY.get(name, 1.0) for name in CAR_PALETTE])
    weights = in_chunks(field.attention, place, normal) * counts
    weights = weights / weights.sum(-1, keepdim=True)
    height = ((place[:, 1] + low) / (2 * low)).clamp(0, 1)
    sun = F.normalize(place.new_tensor(light.sun), dim=0)
    lit = sun_visibility(field, place + 0.02 * normal, sun)
    shaded = diffuse_shading(normal, height, light)
    # The car shadows itself: where it does, no sun arrives.
    shaded = shaded - (1 - lit) * light.sun_strength * (normal @ sun).clamp(min=0) * 0.85
    gloss = weights @ torch.tensor([GLOSS.get(name, PAINT_GLOSS) for name in CAR_PALETTE])
    own = (weights @ (palette + 1)) / 2 * torch.tensor(light.tint)
    return own * shaded[:, None] + (gloss * specular_shading(normal, directions, light))[:, None]


def sun_visibility(
    field: CarField, points: Float[Tensor, "point 3"], sun: Float[Tensor, " 3"]
) -> Float[Tensor, " point"]:
    """How much of the sun is visible from points, in [0, 1], with soft shadows."""

    def visibility(start: Tensor) -> Tensor:
        at, seen = torch.full(start.shape[:2], 0.03), torch.ones(start.shape[:2])
        for _ in range(SHADOW_STEPS):
            free = field.sdf(start + at[..., None] * sun)
            seen = torch.minimum(seen, 14 * free / at)
            at = at + free.clamp(0.03, 0.2)
        return seen.clamp(0, 1)

    return in_chunks(visibility, points)


def shade_ground(
    field: CarField,
    point: Float[Tensor, "height width 3"],
    on_ground: Bool[Tensor, "height width"],
    light: Light,
) -> Float[Tensor, "height width"]:
    """Brightness of the ground in [0, 1]: the car's shadow, and ambient occlusion below it; 1 on open
    ground."""
    level = torch.ones(on_ground.shape)
    near = on_ground & (point.norm(dim=-1) < GROUND_REACH)
    places = point[near]
    sun = sun_visibility(field, places, F.normalize(places.new_tensor(light.sun), dim=0))
    closed = torch.zeros(len(places))
    for above in (0.05, 0.12, 0.25, 0.45):
        free = in_chunks(field.sdf, places + torch.tensor((0.0, above, 0.0)))
        closed += (1 - free / above).clamp(0, 1) / 4
    share = light.sun_strength / (light.sun_strength + light.sky)
    level[near] = (1 - share * (1 - sun)) * (1 - 0.8 * closed)
    return level


def vignette_and_grain(rgb: Float[Tensor, "height width 3"], seed: int) -> UInt8[Tensor, "height width 3"]:
    """A picture in [0, 1] as bytes, with darker corners and a little grain, as photos have."""
    height, width = rgb.shape[:2]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    corners = 1 - 0.12 * (x.square() + y.square())[..., None]
    grain = 0.007 * torch.randn(height, width, 1, generator=torch.Generator().manual_seed(seed))
    return ((rgb * corners + grain).clamp(0, 1) * 255).round().to(torch.uint8)
