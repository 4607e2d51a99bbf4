"""§3.1 "SDF representation", Eq. 1: signed distance to volume density, and its exact integral.

sigma(d) = (1 / alpha) * Psi(-d), Psi the cumulative distribution of a zero-mean Laplace variable of
scale beta. `alpha` and `beta` are two independent lengths in object units (VolSDF ties them).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST_LENGTH = 1e-3
"""alpha and beta are clamped to at least this after every training step."""


def laplace_cdf(x: Float[Tensor, "*shape"], beta: Tensor) -> Float[Tensor, "*shape"]:
    """Return Psi(x) of Eq. 1, in [0, 1]; no branch overflows."""
    tail = 0.5 * torch.exp(-x.abs() / beta)
    return torch.where(x > 0, 1 - tail, tail)


def laplace_pdf(x: Float[Tensor, "*shape"], beta: Tensor) -> Float[Tensor, "*shape"]:
    """Return the derivative of Psi, per object unit: 1 / (2 beta) at 0."""
    return 0.5 / beta * torch.exp(-x.abs() / beta)


def laplace_cdf_integral(x: Float[Tensor, "*shape"], beta: Tensor) -> Float[Tensor, "*shape"]:
    """Return the antiderivative of Psi that vanishes at minus infinity: relu(x) + beta / 2 exp(-|x| / beta)."""
    return torch.relu(x) + 0.5 * beta * torch.exp(-x.abs() / beta)


@dataclass(frozen=True)
class LaplaceDensity:
    """The density function of one network or formula."""

    alpha: Tensor
    beta: Tensor

    def __call__(self, sdf: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return sigma, per object unit, in [0, 1 / alpha]."""
        return laplace_cdf(-sdf, self.beta) / self.alpha

    def optical_depth(
        self, start: Float[Tensor, "*shape"], end: Float[Tensor, "*shape"], length: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Return the exact integral of sigma over a segment whose SDF runs linearly from `start` to `end`.

        The difference quotient loses precision where the two ends are nearly equal; there the
        mid-point value, exact to second order, is used."""
        rise = start - end
        flat = rise.abs() < 1e-2 * self.beta
        safe = torch.where(flat, torch.ones_like(rise), rise)
        integral = laplace_cdf_integral(-end, self.beta) - laplace_cdf_integral(-start, self.beta)
        middle = laplace_cdf(-0.5 * (start + end), self.beta)
        return length / self.alpha * torch.where(flat, middle, integral / safe)
