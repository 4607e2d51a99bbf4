"""Eight photos from which no good car can come, made from available pictures: the verdict must reject them.

They are objects that are no cars (scikit-image's own pictures), halves of cars, nothing at all, a child's drawing,
and a car on its roof. The same folder always gives the same pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
import torch
from jaxtyping import Bool, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw

from spir.photo import largest_component
from spir.types import Photo

CARS_NEEDED = 3
CRAYON = (40, 60, 150)
RED, YELLOW, SKY = (205, 60, 50), (240, 200, 70), (190, 215, 240)
OTHER_OBJECTS = {
    "cat": ("chelsea.png", (0.47, 0.46, 0.37, 0.44)),
    "cup": ("coffee.png", (0.50, 0.48, 0.28, 0.40)),
    "astronaut": ("astronaut.png", (0.45, 0.52, 0.30, 0.46)),
}
"""File of scikit-image, and the ellipse (centre x, y, radii; as fractions of the picture) around the object that it shows."""


@dataclass(frozen=True)
class BadPhoto:
    """A photo and the mask that is passed with it."""

    name: str
    photo: Photo
    mask: torch.Tensor
    """The mask in [0, 1], at the photo's size."""


def bad_photos(cars: Sequence[tuple[Photo, torch.Tensor]]) -> list[BadPhoto]:
    """Return all eight; the first three of the cars (photo, mask in [0, 1]) are cropped or turned over."""
    if len(cars) < CARS_NEEDED:
        raise ValueError("three photos of cars are needed to make bad ones of")
    first, second, third = ((photo.rgb.numpy(), mask.numpy() >= 0.5) for photo, mask in cars[:CARS_NEEDED])
    made: dict[str, tuple[ndarray, ndarray]] = {
        name: other_object(*about) for name, about in OTHER_OBJECTS.items()
    }
    made["left half of the photo"] = left_half(*first)
    made["right half of the mask"] = right_mask(*second)
    made["empty"] = empty()
    made["drawing"] = drawing()
    made["upside down"] = third[0][::-1], third[1][::-1]
    return [bad(name, rgb, mask) for name, (rgb, mask) in made.items()]


def bad(name: str, rgb: UInt8[ndarray, "h w 3"], mask: Bool[ndarray, "h w"]) -> BadPhoto:
    solid = torch.from_numpy(np.ascontiguousarray(mask, np.float32))
    return BadPhoto(name, Photo(torch.from_numpy(np.ascontiguousarray(rgb))), largest_component(solid))


def ellipse(
    height: int, width: int, shape: tuple[float, float, float, float]
) -> Bool[ndarray, "height width"]:
    """Return True inside an ellipse; centre x, y and radii are fractions of the picture."""
    x0, y0, radius_x, radius_y = shape
    x = ((np.arange(width) + 0.5) / width - x0) / radius_x
    y = ((np.arange(height) + 0.5) / height - y0) / radius_y
    return x**2 + y[:, None] ** 2 < 1


def other_object(
    file: str, shape: tuple[float, float, float, float]
) -> tuple[UInt8[ndarray, "h w 3"], Bool[ndarray, "h w"]]:
    """Return a picture of something that is no car, with a correct mask."""
    rgb = np.array(Image.open(Path(skimage.data.__file__).parent / file).convert("RGB"))
    return rgb, ellipse(rgb.shape[0], rgb.shape[1], shape)


def left_half(
    rgb: UInt8[ndarray, "h w 3"], mask: Bool[ndarray, "h w"]
) -> tuple[UInt8[ndarray, "h w_ 3"], Bool[ndarray, "h w_"]]:
    """Crop the photo so that it ends in the middle of the car."""
    middle = middle_column(mask)
    return rgb[:, :middle], mask[:, :middle]


def right_mask(
    rgb: UInt8[ndarray, "h w 3"], mask: Bool[ndarray, "h w"]
) -> tuple[UInt8[ndarray, "h w 3"], Bool[ndarray, "h w"]]:
    """Return a photo of the whole car with a mask of only half of it."""
    half = mask.copy()
    half[:, : middle_column(mask)] = False
    return rgb, half


def middle_column(mask: Bool[ndarray, "h w"]) -> int:
    columns = np.flatnonzero(mask.any(0))
    return int(columns[0] + columns[-1] + 1) // 2


def empty(
    height: int = 300, width: int = 400
) -> tuple[UInt8[ndarray, "height width 3"], Bool[ndarray, "height width"]]:
    """Return an evening sky with some grain, and a mask that falsely finds something in it."""
    down = np.linspace(0, 1, height)[:, None, None]
    sky = (1 - down) * np.array((70, 110, 180)) + down * np.array((235, 190, 150))
    grain = np.random.default_rng(0).normal(0, 6, (height, width, 1))
    return (sky + grain).clip(0, 255).astype(np.uint8), ellipse(height, width, (0.5, 0.55, 0.36, 0.24))


def drawing() -> tuple[UInt8[ndarray, "300 420 3"], Bool[ndarray, "300 420"]]:
    """Draw a car as a child would, from the side."""
    body = [(40, 205), (48, 150), (110, 140), (135, 75), (255, 68), (300, 138), (380, 152), (385, 208)]
    wheels = ((80, 170, 150, 240), (272, 166, 348, 242))
    page, mask = Image.new("RGB", (420, 300), (250, 248, 240)), Image.new("L", (420, 300))
    pen, cutter = ImageDraw.Draw(page), ImageDraw.Draw(mask)
    pen.polygon(body, fill=RED, outline=CRAYON, width=5)
    pen.polygon([(145, 138), (155, 90), (195, 86), (195, 138)], fill=SKY, outline=CRAYON, width=4)
    pen.polygon([(208, 138), (208, 86), (245, 84), (275, 138)], fill=SKY, outline=CRAYON, width=4)
    pen.ellipse((160, 96, 186, 122), fill=YELLOW, outline=CRAYON, width=3)
    pen.ellipse((362, 158, 386, 182), fill=YELLOW, outline=CRAYON, width=3)
    cutter.polygon(body, fill=255)
    for wheel in wheels:
        pen.ellipse(wheel, fill=(250, 248, 240), outline=CRAYON, width=6)
        cutter.ellipse(wheel, fill=255)
    return np.array(page), np.array(mask) > 0
