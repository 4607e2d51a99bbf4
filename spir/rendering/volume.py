"""§3.1 "renderings", as in VolSDF: optical depths along a ray to the weights of its samples. Pure functions.

`tau` is the optical depth of a segment (the integral of the density), one per segment, front to back; w, the
share of the light that comes from it, sums to alpha <= 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def weights_from_optical_depth(tau: Float[Tensor, "*ray segment"]) -> Float[Tensor, "*ray segment"]:
    """Return w_i = exp(-sum of tau before i) (1 - exp(-tau_i))."""
    before = tau.cumsum(-1) - tau
    return torch.exp(-before) * -torch.expm1(-tau)


def riemann_optical_depth(
    density: Float[Tensor, "*ray sample"], t: Float[Tensor, "*ray sample"]
) -> Float[Tensor, "*ray sample"]:
    """Return density times the distance to the next sample; the last sample has none and does not count."""
    step = torch.diff(t, dim=-1)
    return density * torch.nn.functional.pad(step, (0, 1))


def sample_weights(
    tau: Float[Tensor, "*ray segment"], front: Float[Tensor, "*ray"], back: Float[Tensor, "*ray"]
) -> Float[Tensor, "*ray sample"]:
    """Return weights of the samples at both ends of each segment (one more than segments).

    A segment's colour is the mean of its ends', so each end takes half of its weight. What lies before the
    first sample (optical depth `front`) has its colour, and so has what lies behind the last."""
    weights = weights_from_optical_depth(torch.cat((front[..., None], tau, back[..., None]), -1))
    first, inner, last = weights[..., :1], weights[..., 1:-1] / 2, weights[..., -1:]
    return torch.cat((first, inner), -1) + torch.cat((inner, last), -1)


def composite(
    weights: Float[Tensor, "*ray sample"], values: Float[Tensor, "*ray sample channel"]
) -> Float[Tensor, "*ray channel"]:
    """Return sum_i w_i v_i."""
    return (weights[..., None] * values).sum(-2)
