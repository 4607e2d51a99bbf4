"""The page's examples as code: procedural cars never trained on, in computed surroundings, and failure cases.

Nothing here is anybody's picture: cars, ground, sky and walls are computed, the boat is drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw

from spir.data.meshes.render import Light
from spir.data.procedural.backgrounds import Background, Colour, render_background, surface
from spir.data.procedural.render_scene import RenderedScene, render_scene, vignette_and_grain
from spir.formulas import FORMULAS
from spir.formulas.car_parameters import CLASSES
from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import Camera

FIRST_SEED = 30_000_000
"""The first seed, far from any seed of training or evaluation."""
SIZE = (512, 384)
NOON = Light((0.5, 0.9, 0.6), sun_strength=0.5, sky=0.75, ground=0.35)
LEFT_SUN = Light((-0.9, 0.7, 0.5), sun_strength=0.6, sky=0.65, ground=0.35)
EVENING = Light((0.9, 0.38, 0.4), sun_strength=0.65, sky=0.5, ground=0.3, tint=(1.08, 0.98, 0.88))
CLOUDY = Light((0.2, 1.0, 0.3), sun_strength=0.12, sky=0.98, ground=0.45, gloss=0.35)


@dataclass(frozen=True)
class ExampleScene:
    """One example before it is photographed."""

    name: str
    title: str
    alt: str
    body: str = "hatchback"
    """A key of `CLASSES`."""
    draw: int = 0
    """The number of the random car within that class."""
    paint: Colour = (0.8, 0.1, 0.1)
    """The body paint, in [0, 1]."""
    second: Colour = (0.1, 0.1, 0.1)
    azimuth: float = 35.0
    elevation: float = 9.0
    focal: float = 1.6
    scale: float = 0.78
    background: Background = Background((0.4, 0.4, 0.4))
    light: Light = NOON
    failure: str = ""
    """Why this example fails; empty = it does not."""
    steps: int = 10
    change: Callable[[RenderedScene], RenderedScene] | None = None
    """A function that is applied to the photo at the end."""

    @property
    def how(self) -> str:
        """Return a few words on how it was made, for the table."""
        seed = FIRST_SEED + self.draw
        return f"procedural {self.body}, seed {seed}" if self.body in CLASSES else f"a drawn {self.body}"


def photographed(scene: ExampleScene) -> RenderedScene:
    """Return the photo and the object's mask."""
    camera = camera_of(scene)
    if scene.body not in CLASSES:
        return drawn_boat(scene, camera)
    draws = torch.Generator().manual_seed(FIRST_SEED + scene.draw)
    z = FORMULAS["car"].one_per_class(draws)[list(CLASSES).index(scene.body)][None]
    field = FORMULAS["car"].field(z)
    palette = field.palette[0].clone()
    palette[:2] = 2 * torch.tensor((scene.paint, scene.second)) - 1
    taken = render_scene(field, palette, camera, scene.background, scene.light, SIZE, scene.background.seed)
    return taken if scene.change is None else scene.change(taken)


def camera_of(scene: ExampleScene) -> Camera:
    """Return the camera, with the car slightly below the middle of the picture."""
    numbers = (scene.azimuth, scene.elevation, 0.0, scene.focal, scene.scale)
    azimuth, elevation, roll, focal, scale = (torch.tensor([value]) for value in numbers)
    shift = torch.tensor([[0.0, -0.06]])
    return camera_from_pose(look_at_pose(azimuth, elevation, roll, focal, scale, shift))


def behind_a_wall(taken: RenderedScene) -> RenderedScene:
    """Cover the left part of the photo with the corner of a house."""
    height, width = taken.mask.shape
    edge = int(0.53 * width)
    y, x = torch.meshgrid(torch.arange(height) / 150.0, torch.arange(width) / 150.0, indexing="ij")
    bricks = surface(
        (0.62, 0.38, 0.30), 0.2, "bricks", torch.stack((x, -y), -1), torch.zeros(height, width), 3
    )
    shade = torch.linspace(0.75, 1.0, edge)[:, None]
    rgb, mask = taken.rgb.clone(), taken.mask.clone()
    rgb[:, :edge] = vignette_and_grain((bricks[:, :edge] * shade).clamp(0, 1), 4)
    mask[:, :edge] = 0
    return RenderedScene(rgb, mask)


def drawn_boat(scene: ExampleScene, camera: Camera) -> RenderedScene:
    """Draw a sailing boat on a lake."""
    width, height = SIZE
    origins, directions = rays(camera, height, width)
    under, point, water = render_background(origins[0, 0, 0], directions[0], scene.background, -0.35)
    waves = torch.sin(9 * point[..., 2] + 3 * torch.sin(2 * point[..., 0])) * torch.exp(
        -0.06 * point.norm(dim=-1)
    )
    under = under * (1 + 0.08 * waves * water)[..., None]
    fine = 4
    sheet = Image.new("RGBA", (fine * width, fine * height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(sheet)

    def shape(points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        pen.polygon([(fine * x, fine * y) for x, y in points], fill=(*colour, 255))

    shape([(262, 60), (268, 60), (268, 262), (262, 262)], (120, 84, 52))
    shape([(274, 66), (274, 244), (392, 244), (330, 150)], (246, 243, 232))
    shape([(274, 66), (274, 110), (300, 104)], (196, 60, 46))
    shape([(256, 84), (256, 240), (160, 240), (206, 170)], (228, 224, 208))
    shape([(126, 262), (410, 262), (372, 312), (166, 312)], (178, 44, 40))
    shape([(126, 262), (410, 262), (405, 270), (132, 270)], (240, 236, 226))
    pixels = np.asarray(sheet.resize(SIZE, Image.Resampling.BOX), np.float32) / 255
    boat = torch.from_numpy(pixels)
    alpha = boat[..., 3:]
    mirrored = torch.zeros_like(boat)
    mirrored[312:] = boat[240:312].flip(0)
    under = under * (1 - 0.5 * mirrored[..., 3:] * water[..., None])
    # Averaging has already multiplied the colours by alpha.
    rgb = under * (1 - alpha) + boat[..., :3] * alpha
    return RenderedScene(vignette_and_grain(rgb, 5), alpha[..., 0])


SCENES = (
    ExampleScene(
        "red-hatchback",
        "Red hatchback",
        "A red hatchback on paving slabs in front of a brick wall, facing right",
        "hatchback",
        draw=3,
        paint=(0.78, 0.07, 0.08),
        azimuth=-38.0,
        background=Background(
            (0.58, 0.56, 0.53), paving="slabs", wall=(0.62, 0.36, 0.28), wall_paving="bricks", seed=1
        ),
        steps=30,
    ),
    ExampleScene(
        "blue-saloon",
        "Blue saloon",
        "A blue saloon on a country road, facing left, hills behind it",
        "saloon",
        draw=1,
        paint=(0.10, 0.27, 0.62),
        azimuth=42.0,
        elevation=7.0,
        focal=2.2,
        background=Background(
            (0.42, 0.42, 0.43), paving="lane", hills=(0.24, 0.36, 0.20), hill_height=0.1, seed=11
        ),
        light=LEFT_SUN,
    ),
    ExampleScene(
        "yellow-coupe",
        "Yellow coupe",
        "A yellow coupe on sand in the evening sun, facing left, seen a little from behind",
        "coupe",
        draw=2,
        paint=(0.93, 0.72, 0.10),
        azimuth=118.0,
        elevation=8.0,
        focal=2.0,
        background=Background(
            (0.78, 0.64, 0.46),
            sky_top=(0.42, 0.55, 0.78),
            sky_low=(0.98, 0.80, 0.58),
            hills=(0.62, 0.45, 0.34),
            hill_height=0.05,
            grain=0.12,
            seed=21,
        ),
        light=EVENING,
    ),
    ExampleScene(
        "green-off-roader",
        "Green off-roader",
        "A dark green off-road car on a meadow, facing right, seen from a little above",
        "off-roader",
        draw=4,
        paint=(0.16, 0.34, 0.20),
        azimuth=-32.0,
        elevation=15.0,
        focal=1.5,
        background=Background(
            (0.40, 0.47, 0.24), grain=0.3, hills=(0.16, 0.28, 0.14), hill_height=0.16, seed=31
        ),
    ),
    ExampleScene(
        "white-van",
        "White van",
        "A white van in front of a yellow plaster wall, facing left",
        "van",
        draw=0,
        paint=(0.93, 0.93, 0.91),
        azimuth=52.0,
        elevation=6.0,
        focal=1.8,
        background=Background(
            (0.47, 0.47, 0.48), wall=(0.82, 0.70, 0.50), wall_at=2.2, wall_turn_deg=-14.0, seed=41
        ),
        light=CLOUDY,
    ),
    ExampleScene(
        "orange-pickup",
        "Orange pickup",
        "An orange pickup truck on snow, seen from behind",
        "pickup",
        draw=5,
        paint=(0.90, 0.38, 0.07),
        azimuth=-140.0,
        elevation=12.0,
        focal=1.9,
        background=Background(
            (0.88, 0.91, 0.95), grain=0.07, hills=(0.50, 0.58, 0.66), hill_height=0.14, seed=51
        ),
        light=LEFT_SUN,
    ),
    ExampleScene(
        "turquoise-city-car",
        "Turquoise city car",
        "A small turquoise car in a parking space, seen from the front and above",
        "city car",
        draw=6,
        paint=(0.16, 0.66, 0.66),
        azimuth=30.0,
        elevation=24.0,
        focal=1.4,
        background=Background((0.36, 0.36, 0.38), paving="parking", seed=61),
    ),
    ExampleScene(
        "silver-estate",
        "Silver estate",
        "A silver estate car in front of a wooden wall, seen from the side, facing right",
        "estate",
        draw=7,
        paint=(0.80, 0.82, 0.86),
        azimuth=-76.0,
        elevation=5.0,
        focal=2.6,
        background=Background(
            (0.52, 0.50, 0.46),
            grain=0.25,
            wall=(0.48, 0.35, 0.24),
            wall_at=1.7,
            wall_paving="planks",
            seed=71,
        ),
        light=CLOUDY,
    ),
    ExampleScene(
        "half-hidden",
        "Fails: half hidden",
        "A blue car, the rear half of it hidden behind the corner of a brick house",
        "SUV",
        draw=1,
        paint=(0.13, 0.35, 0.66),
        azimuth=-50.0,
        background=Background((0.45, 0.45, 0.46), hills=(0.24, 0.36, 0.20), seed=81),
        failure="A wall hides half of this car. The fit turns it to follow the edge of the wall, blurs its face "
        "and makes up its rear. Choose a photo that shows the whole car.",
        change=behind_a_wall,
    ),
    ExampleScene(
        "boat",
        "Fails: a boat",
        "A drawing of a red sailing boat on a lake",
        "boat",
        elevation=6.0,
        background=Background(
            (0.24, 0.42, 0.56), grain=0.08, hills=(0.22, 0.36, 0.26), hill_height=0.09, seed=91
        ),
        failure="This is a boat, and the networks know nothing but cars: they bend a car into its outline. "
        "Choose a photo of a car.",
    ),
)
