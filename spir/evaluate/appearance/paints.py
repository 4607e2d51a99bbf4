"""Chooses a clearly different paint for a textured car, and the palette that has it."""

import colorsys

import torch
from jaxtyping import Float
from torch import Tensor

from spir.evaluate.benchmarks.recolour import PAINT
from spir.pipeline import Reconstructor
from spir.types import Code

RED, SILVER, BLUE = (0.72, 0.06, 0.08), (0.75, 0.75, 0.78), (0.10, 0.25, 0.60)
"""Paint colours in [0, 1]."""
RED_HUES = 1 / 12
"""Hue distance from pure red, as a fraction of the hue circle, within which people say red or orange."""
COLOURFUL = 0.45
"""The least saturation of a paint that has a recognisable hue."""
WHITE = 0.8
"""The least channel value of white paint, in [0, 1]."""


def reddish(colour: Float[Tensor, "3"]) -> bool:
    """Whether a colour in [-1, 1] looks red."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*((colour.clamp(-1, 1) + 1) / 2).tolist())
    return saturation > COLOURFUL and min(hue, 1 - hue) < RED_HUES


def other_paint(colour: Float[Tensor, "3"]) -> tuple[float, float, float]:
    """Return a paint, in [0, 1], clearly different from the one in [-1, 1]: silver for red, blue for white, else red."""
    if reddish(colour):
        return SILVER
    return BLUE if (colour + 1).min().item() / 2 > WHITE else RED


def painted_palette(
    reconstructor: Reconstructor, code: Code, paint: tuple[float, float, float]
) -> Float[Tensor, "values 3"]:
    """Return the fit's palette in [-1, 1] with the body paint replaced by one in [0, 1]."""
    palette = reconstructor.palette(code)[0].clone()
    palette[PAINT] = 2 * torch.tensor(paint) - 1
    return palette
