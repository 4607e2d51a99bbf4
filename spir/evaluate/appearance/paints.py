"""Another paint for a textured car: which colour is clearly another one, and the palette that has it."""

import colorsys

import torch
from jaxtyping import Float
from torch import Tensor

from spir.evaluate.benchmarks.recolour import PAINT
from spir.pipeline import Reconstructor
from spir.types import Code

RED, SILVER, BLUE = (0.72, 0.06, 0.08), (0.75, 0.75, 0.78), (0.10, 0.25, 0.60)
"""In [0, 1]."""
RED_HUES = 1 / 12
"""Distance from pure red, of a whole turn, within which people say red or orange."""
COLOURFUL = 0.45
"""Saturation of paint that has a hue at all."""
WHITE = 0.8
"""Least channel of white paint, in [0, 1]."""


def reddish(colour: Float[Tensor, "3"]) -> bool:
    """Whether a colour in [-1, 1] would pass for red."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*((colour.clamp(-1, 1) + 1) / 2).tolist())
    return saturation > COLOURFUL and min(hue, 1 - hue) < RED_HUES


def other_paint(colour: Float[Tensor, "3"]) -> tuple[float, float, float]:
    """A paint, in [0, 1], that nobody takes for the one in [-1, 1]: silver for red, blue for white, else red."""
    if reddish(colour):
        return SILVER
    return BLUE if (colour + 1).min().item() / 2 > WHITE else RED


def painted_palette(
    reconstructor: Reconstructor, code: Code, paint: tuple[float, float, float]
) -> Float[Tensor, "values 3"]:
    """The fit's palette in [-1, 1] with another body paint, in [0, 1]."""
    palette = reconstructor.palette(code)[0].clone()
    palette[PAINT] = 2 * torch.tensor(paint) - 1
    return palette
