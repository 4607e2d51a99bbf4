"""§3.3, the losses of inversion: a table of functions (Prediction, Target) -> one number per item.

To add one: write a function, add it to `LOSSES`, and set its weight in `InversionConfig.losses`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

CHARBONNIER = 0.01
"""Differences much smaller than this enter squared, larger ones linearly; colours span 2."""


@dataclass(frozen=True)
class Prediction:
    """A rendering and the code it was made from."""

    rgb: Float[Tensor, "batch size size 3"]
    alpha: Float[Tensor, "batch size size"]
    w: Float[Tensor, "batch layers width"]


@dataclass(frozen=True)
class Target:
    """What the rendering should match."""

    rgb: Float[Tensor, "batch size size 3"]
    mask: Float[Tensor, "batch size size"]
    w: Float[Tensor, "batch layers width"]
    """The encoder's w."""
    distance: Callable[[Tensor, Tensor], Tensor]
    """Maps (rgb, alpha) to the perceptual distance to this target, per item."""


def perceptual(prediction: Prediction, target: Target) -> Float[Tensor, " batch"]:
    """Return the perceptual distance, the paper's only loss."""
    return target.distance(prediction.rgb, prediction.alpha)


def silhouette(prediction: Prediction, target: Target) -> Float[Tensor, " batch"]:
    """Return 1 - soft IoU + mean squared difference of the masks.

    The first term has a useful gradient for misplaced silhouettes, the second also for soft edges."""
    both = torch.minimum(prediction.alpha, target.mask).sum((1, 2))
    either = torch.maximum(prediction.alpha, target.mask).sum((1, 2))
    squared = (prediction.alpha - target.mask).square().mean((1, 2))
    return 1 - (both + 1e-6) / (either + 1e-6) + squared


def colour(prediction: Prediction, target: Target) -> Float[Tensor, " batch"]:
    """Return the Charbonnier difference of the colours, averaged over what either silhouette covers.

    The weight has no gradient, as otherwise the object would shrink to hide a wrong colour."""
    weight = torch.maximum(prediction.alpha, target.mask).detach()
    apart = ((prediction.rgb - target.rgb).square() + CHARBONNIER**2).sqrt().mean(-1) - CHARBONNIER
    return (weight * apart).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1)


def latent_reg(prediction: Prediction, target: Target) -> Float[Tensor, " batch"]:
    """Return the mean squared distance of w from the encoder's, which regularises what the photo does not show."""
    return (prediction.w - target.w).square().mean((1, 2))


LOSSES = {"perceptual": perceptual, "silhouette": silhouette, "colour": colour, "latent_reg": latent_reg}


def total_loss(
    prediction: Prediction, target: Target, weights: tuple[tuple[str, float], ...]
) -> Float[Tensor, " batch"]:
    """Return the weighted sum; entries of weight 0 are not computed."""
    parts = [weight * LOSSES[name](prediction, target) for name, weight in weights if weight]
    return torch.stack(parts).sum(0)
