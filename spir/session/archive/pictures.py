"""Convert the pictures of an archive to PNG and back: the mask, and the rendering of every step."""

from math import inf

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from spir.limits import BudgetedReader
from spir.outputs.views import encoded, to_uint8
from spir.types import Step

LONGEST_SIDE = 2048
"""The most pixels of a mask's longer side, to which photos are reduced."""


def mask_bytes(mask: Float[Tensor, "height width"]) -> bytes:
    """Return the mask as a grey PNG; rounding moves no pixel across one half, where the object ends."""
    levels = (mask.detach().cpu().float() * 255).round().clamp(0, 255)
    levels = torch.where(mask.cpu() >= 0.5, levels.clamp(min=128), levels.clamp(max=127))
    return encoded(levels.to(torch.uint8).numpy(), "PNG", optimize=True)


def step_bytes(step: Step) -> bytes:
    """Return the step's picture and its alpha as a PNG."""
    alpha = (step.alpha[0].float() * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return encoded(np.dstack((to_uint8(step.rgb[0]), alpha)), "PNG", optimize=True)


def mask_from(data: bytes, latest: float = inf) -> Float[Tensor, "height width"]:
    """Return the mask in [0, 1] from a grey PNG. Raises ValueError."""
    with Image.open(BudgetedReader(data, latest), formats=("PNG",)) as image:
        if image.mode != "L" or max(image.size) > LONGEST_SIDE:
            raise ValueError("this is no mask of a photo")
        return torch.from_numpy(np.array(image)).float() / 255


def step_picture(
    data: bytes, size: int, latest: float = inf
) -> tuple[Float[Tensor, "1 size size 3"], Float[Tensor, "1 size size"]]:
    """Return the colours in [-1, 1] and the alpha in [0, 1] from a PNG. Raises ValueError."""
    with Image.open(BudgetedReader(data, latest), formats=("PNG",)) as image:
        if image.mode != "RGBA" or image.size != (size, size):
            raise ValueError("this is no picture of a step")
        pixels = torch.from_numpy(np.array(image)).float()[None]
    return pixels[..., :3] / 127.5 - 1, pixels[..., 3] / 255
