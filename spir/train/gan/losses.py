"""§3.1, the losses of the adversarial training: non-saturating, with R1."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def generator_loss(fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """The non-saturating loss softplus(-D(fake)): its gradients stay strong where the discriminator is
    sure."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Float[Tensor, " batch"], fake: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """The loss of the discriminator, softplus(D(fake)) + softplus(-D(real)), mean over the batch."""
    return F.softplus(fake).mean() + F.softplus(-real).mean()


def r1(
    discriminator: Callable[[Tensor], Float[Tensor, " batch"]], picture: Tensor
) -> tuple[Float[Tensor, " batch"], Float[Tensor, ""]]:
    """The logits of real pictures, and the mean of |d logit / d picture|^2 over them, differentiable."""
    picture = picture.detach().requires_grad_()
    real = discriminator(picture)
    (slope,) = torch.autograd.grad(real.sum(), picture, create_graph=True)
    return real, slope.float().square().flatten(1).sum(1).mean()
