"""§3.3, the losses of inversion: a table of functions (Attempt, Goal) -> one number per item.

To add one: a function, its entry in `LOSSES`, its weight in `InversionConfig.losses`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

CHARBONNIER = 0.01
"""Differences much below this count squared, above it linearly; colours span 2."""


@dataclass(frozen=True)
class Attempt:
    """A rendering and the code it was made from."""

    rgb: Float[Tensor, "batch size size 3"]
    alpha: Float[Tensor, "batch size size"]
    w: Float[Tensor, "batch layers width"]


@dataclass(frozen=True)
class Goal:
    """What the rendering should become."""

    rgb: Float[Tensor, "batch size size 3"]
    mask: Float[Tensor, "batch size size"]
    w: Float[Tensor, "batch layers width"]
    """The encoder's."""
    look: Callable[[Tensor, Tensor], Tensor]
    """(rgb, alpha) -> perceptual distance to this goal, per item."""


def perceptual(attempt: Attempt, goal: Goal) -> Float[Tensor, " batch"]:
    """How different they look: the paper's only loss."""
    return goal.look(attempt.rgb, attempt.alpha)


def silhouette(attempt: Attempt, goal: Goal) -> Float[Tensor, " batch"]:
    """1 - soft IoU + mean squared difference of the masks.

    The first term speaks of the worst of sliding silhouettes, the second also of soft edges."""
    both = torch.minimum(attempt.alpha, goal.mask).sum((1, 2))
    either = torch.maximum(attempt.alpha, goal.mask).sum((1, 2))
    squared = (attempt.alpha - goal.mask).square().mean((1, 2))
    return 1 - (both + 1e-6) / (either + 1e-6) + squared


def colour(attempt: Attempt, goal: Goal) -> Float[Tensor, " batch"]:
    """Charbonnier difference of the colours, mean over what either silhouette covers.

    The weight carries no gradient: the object must not shrink to hide a wrong colour."""
    weight = torch.maximum(attempt.alpha, goal.mask).detach()
    apart = ((attempt.rgb - goal.rgb).square() + CHARBONNIER**2).sqrt().mean(-1) - CHARBONNIER
    return (weight * apart).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1)


def prior(attempt: Attempt, goal: Goal) -> Float[Tensor, " batch"]:
    """Mean squared distance of w from the encoder's: a leash for what the photo does not show."""
    return (attempt.w - goal.w).square().mean((1, 2))


LOSSES = {"perceptual": perceptual, "silhouette": silhouette, "colour": colour, "prior": prior}


def total_loss(
    attempt: Attempt, goal: Goal, weights: tuple[tuple[str, float], ...]
) -> Float[Tensor, " batch"]:
    """The weighted sum; entries of weight 0 cost nothing."""
    parts = [weight * LOSSES[name](attempt, goal) for name, weight in weights if weight]
    return torch.stack(parts).sum(0)
