"""Procedural backgrounds of cars: ground, sky, hills and walls. Colours are in [0, 1].

Lengths are in object units (a car is 1.8 long); the caller sets the height of the ground.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

Colour = tuple[float, float, float]
HAZE_UNITS = 120.0
"""Haze lets a third of the ground's colour through at this distance, and never less."""
OCTAVES = 4
"""Number of frequencies of the noise."""


@dataclass(frozen=True)
class Background:
    """What is around the car; the texture names are keys of `TEXTURES`."""

    ground: Colour
    sky_top: Colour = (0.35, 0.55, 0.85)
    sky_low: Colour = (0.80, 0.87, 0.93)
    grain: float = 0.15
    """Amplitude of the ground's noise."""
    paving: str = "plain"
    hills: Colour | None = None
    hill_height: float = 0.06
    """Height of the hills, as the tangent of the angle above the horizon."""
    wall: Colour | None = None
    wall_at: float = 1.5
    """Distance of the wall behind the middle of the car."""
    wall_turn_deg: float = 0.0
    wall_paving: str = "plain"
    seed: int = 0


def noise(places: Float[Tensor, "*place 2"], seed: int, octaves: int = OCTAVES) -> Float[Tensor, "*place"]:
    """Smooth noise of mean 0 in about [-1, 1], whose coarsest features are one unit wide."""
    grid = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    total, flat = torch.zeros(()), places.reshape(1, -1, 1, 2)
    for octave in range(octaves):
        # Repeats after 63 units of its grid, folded so that no seam shows.
        folded = ((flat * 2**octave + 7.3 * octave) / 63) % 2
        at = 2 * torch.where(folded > 1, 2 - folded, folded) - 1
        total = total + F.grid_sample(grid, at, align_corners=True)[0, 0, :, 0] / 1.6**octave
    return total.reshape(places.shape[:-1]) / 1.5


def plain(places: Float[Tensor, "*place 2"]) -> Float[Tensor, "*place"]:
    """1 everywhere."""
    return torch.ones(places.shape[:-1])


def seams(
    places: Float[Tensor, "*place 2"], width: float, height: float, bond: float
) -> Float[Tensor, "*place"]:
    """About 1 on slabs, less in the joints between them; every other row is shifted by `bond` slabs."""
    row = (places[..., 1] / height).floor()
    across = (places[..., 0] / width + bond * (row % 2)) % 1
    along = (places[..., 1] / height) % 1
    edge = torch.minimum((0.5 - (across - 0.5).abs()) * width, (0.5 - (along - 0.5).abs()) * height)
    tone = torch.sin(12.9 * row + 78.2 * (places[..., 0] / width + bond * (row % 2)).floor()) * 0.05
    return (1 + tone) * (0.62 + 0.38 * (edge / 0.012).clamp(0, 1))


def lane(places: Float[Tensor, "*place 2"]) -> Float[Tensor, "*place"]:
    """More than 1 on a white line beside the car, broken as on a road."""
    line = ((places[..., 0] - 1.15).abs() < 0.035) & (places[..., 1] % 2.4 < 1.5)
    return 1 + 1.1 * line.float()


def parking(places: Float[Tensor, "*place 2"]) -> Float[Tensor, "*place"]:
    """More than 1 on white lines to either side of a parked car."""
    side = (((places[..., 0] + 1.1) % 2.2 - 1.1).abs() - 1.06 > 0) & (places[..., 1].abs() < 1.3)
    return 1 + 0.9 * side.float()


TEXTURES = {
    "plain": plain,
    "slabs": lambda places: seams(places, 0.4, 0.4, 0.0),
    "bricks": lambda places: seams(places, 0.2, 0.075, 0.5),
    "planks": lambda places: seams(places, 8.0, 0.16, 0.3),
    "lane": lane,
    "parking": parking,
}
"""Brightness of a surface at points on it, of mean about 1, by the name of its texture."""


def surface(
    colour: Colour, grain: float, paving: str, places: Float[Tensor, "*place 2"], far: Tensor, seed: int
) -> Float[Tensor, "*place 3"]:
    """The colour of a flat surface at points on it; far points lose their noise, which would alias."""
    near = torch.exp(-far / 12)
    rough = noise(5 * places, seed) * 0.6 + noise(40 * places, seed + 1, 2) * 0.5 * torch.exp(-far / 5)
    level = (1 + grain * rough * near) * (1 + (TEXTURES[paving](places) - 1) * near)
    return torch.tensor(colour) * level[..., None]


def sky(directions: Float[Tensor, "*ray 3"], background: Background) -> Float[Tensor, "*ray 3"]:
    """The colour of the sky along rays: brighter at the horizon, with hills and a few clouds."""
    flat = directions[..., [0, 2]].norm(dim=-1).clamp(min=1e-6)
    rise = directions[..., 1] / flat
    share = (rise / 0.5).clamp(0, 1).sqrt()[..., None]
    colour = torch.lerp(torch.tensor(background.sky_low), torch.tensor(background.sky_top), share)
    overhead = directions[..., [0, 2]] / (rise.clamp(min=0.02)[..., None] * flat[..., None])
    cloud = (noise(0.35 * overhead, background.seed + 2) - 0.1).clamp(0, 1) * (rise / 0.15).clamp(0, 1)
    colour = torch.lerp(colour, torch.ones(3) * 0.97, 0.8 * cloud[..., None])
    if background.hills is None:
        return colour
    turn = torch.stack((torch.atan2(directions[..., 0], directions[..., 2]) * 4, torch.zeros_like(flat)), -1)
    top = background.hill_height * (
        1 + 0.6 * noise(turn, background.seed + 3) + 0.15 * noise(12 * turn, background.seed + 4)
    )
    green = (
        torch.tensor(background.hills)
        * (1 + 0.25 * noise(torch.stack((turn[..., 0] * 6, rise * 60), -1), 5))[..., None]
    )
    hazy = torch.lerp(green, torch.tensor(background.sky_low), 0.35)
    return torch.lerp(colour, hazy, ((top - rise) / 0.004).clamp(0, 1)[..., None])


def render_background(
    origin: Float[Tensor, " 3"], directions: Float[Tensor, "*ray 3"], background: Background, ground: float
) -> tuple[Float[Tensor, "*ray 3"], Float[Tensor, "*ray 3"], Bool[Tensor, "*ray"]]:
    """What each ray from a camera hits: its colour, the point, and whether that is on the ground.

    `ground` is the height of the ground."""
    down = directions[..., 1].clamp(max=-1e-5)
    far = torch.where(directions[..., 1] < -1e-5, (ground - origin[1]) / down, torch.inf)
    point = origin + far.clamp(max=1e4)[..., None] * directions
    floor = surface(
        background.ground, background.grain, background.paving, point[..., [0, 2]], far, background.seed
    )
    clear = torch.exp(-far / HAZE_UNITS).clamp(min=0.37)[..., None]
    colour = torch.where(
        far[..., None] < 1e3,
        torch.lerp(torch.tensor(background.sky_low), floor, clear),
        sky(directions, background),
    )
    on_ground = far < 1e3
    if background.wall is not None:
        at, place = intersect_wall(origin, directions, background)
        place = place - torch.tensor((0.0, ground))
        bricks = surface(background.wall, 0.12, background.wall_paving, place, at, background.seed + 9)
        # Next to the ground a wall is darker.
        bricks = bricks * (0.72 + 0.28 * (place[..., 1:] / 0.35).clamp(0, 1))
        hidden = (at > 0) & (at < far)
        colour = torch.where(hidden[..., None], bricks, colour)
        on_ground = on_ground & ~hidden
    return colour, point, on_ground


def intersect_wall(
    origin: Float[Tensor, " 3"], directions: Float[Tensor, "*ray 3"], background: Background
) -> tuple[Float[Tensor, "*ray"], Float[Tensor, "*ray 2"]]:
    """The distance of the wall along each ray (infinite where it misses), and the point on it, sideways and
    up."""
    turn = torch.atan2(origin[0], origin[2]) + torch.deg2rad(torch.tensor(background.wall_turn_deg))
    normal = torch.stack((turn.sin(), torch.zeros(()), turn.cos()))
    side = torch.stack((turn.cos(), torch.zeros(()), -turn.sin()))
    towards = directions @ normal
    at = torch.where(
        towards < -1e-5, (-background.wall_at - origin @ normal) / towards.clamp(max=-1e-5), torch.inf
    )
    point = origin + at.clamp(max=1e4)[..., None] * directions
    return at, torch.stack((point @ side, point[..., 1]), -1)
