"""§3.1 used in §3.2: fits the photo's colours before shape or pose change.

Colour is attention times palette, and the palette comes from the last row of w alone. So one rendering of the
attention is enough to compare any number of palettes with the photo, and to optimise the palette at the cost
of a few small matrix products, where the inversion would have to render again for every step.
"""

from dataclasses import dataclass, replace

import torch

from spir.bootstrap.guess import resize
from spir.categories import Category
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code, Cutout, Guess


@dataclass(frozen=True)
class ColourConfig:
    """Settings that limit how far colours may move from the encoder's. w has about unit variance."""

    steps: int = 40
    rate: float = 0.06
    """Adam's learning rate, in w itself."""
    w_regularisation: float = 0.3
    """Weight of the mean squared distance from the encoder's w; the colour difference spans 2."""
    softness: float = 0.1
    """Differences well above this enter linearly: a wheel drawn where the photo has paint must not dominate."""
    size: int = 64
    samples: int = 8
    """Rendering size and samples per ray."""


def fit_colours(
    guess: Guess,
    cutout: Cutout,
    generator: Generator,
    category: Category,
    config: ColourConfig | None = None,
) -> Guess:
    """Return the guess with all rows of w, the last one optimised so that the palette explains the cut-out's colours.

    Items are independent and the result is deterministic. A code with its own palette stays unchanged, and so does an
    item whose rendering does not overlap the mask."""
    config = config or ColourConfig()
    if guess.code.palette is not None:
        return guess
    w = generator.w_plus(guess.code).detach()
    view = RenderConfig.of(category, size=config.size, samples=config.samples, attention=True)
    with torch.no_grad():
        seen = render(generator.field(guess.code), camera_from_pose(guess.pose), view)
        rgb, mask = resize(cutout.rgb, config.size), resize(cutout.mask[..., None], config.size)[..., 0]
        assert seen.attention is not None
        attention = seen.attention.flatten(1, 2)
        weight = (mask * seen.alpha).flatten(1)
        # The rendering adds its background where alpha < 1; the cut-out already contains it there.
        target = rgb.flatten(1, 2) - category.background * (1 - seen.alpha).flatten(1)[..., None]
        weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
    start = w[:, -1]
    row = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([row], lr=config.rate, betas=(0.9, 0.95))
    with torch.enable_grad():
        for step in range(config.steps):
            optimiser.param_groups[0]["lr"] = config.rate * (1 - step / config.steps)
            difference = attention @ generator.palette(Code(row[:, None])) - target
            soft = ((difference.square() + config.softness**2).sqrt() - config.softness).mean(dim=-1)
            leash = (row - start).square().mean(dim=1)
            # The sum over the batch: an item's update does not depend on the batch.
            loss = (weight * soft).sum(dim=1) + config.w_regularisation * leash
            (row.grad,) = torch.autograd.grad(loss.sum(), row)
            optimiser.step()
    row = torch.where(row.isfinite().all(dim=1, keepdim=True), row, start).detach()
    return replace(guess, code=Code(torch.cat([w[:, :-1], row[:, None]], dim=1)))
