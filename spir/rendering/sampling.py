"""§3.1 "renderings", sample positions along a ray: stratified bins and inverse transform sampling.

`t` are distances along rays, object units. Edges are the n + 1 bin boundaries per ray, weights one per bin.
No gradient flows through positions: moving a sample changes the quadrature error, not the picture.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def fractions(count: int, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return the mid-points of `count` equal bins of [0, 1], one row per entry of `like`; with a generator, random
    positions in the bins."""
    bins = torch.arange(count, device=like.device, dtype=like.dtype)
    if generator is None:
        return ((bins + 0.5) / count).expand(*like.shape, count)
    inside = torch.rand(*like.shape, count, generator=generator, dtype=like.dtype, device=generator.device)
    return (bins + inside.to(like.device)) / count


def stratified(
    near: Float[Tensor, "*ray"],
    far: Float[Tensor, "*ray"],
    count: int,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*ray sample"]:
    """Return one sample in each of `count` equal bins between near and far, ascending."""
    return near[..., None] + (far - near)[..., None] * fractions(count, near, generator)


def inverse_cdf(
    weights: Float[Tensor, "*ray bin"], quantiles: Float[Tensor, "*ray sample"]
) -> tuple[Int[Tensor, "*ray sample"], Float[Tensor, "*ray sample"]]:
    """Return where the cumulative weight reaches each quantile: the bin, and the position in it, in [0, 1].

    Weights need not sum to one; where all of them vanish they count as equal."""
    total = weights.sum(-1, keepdim=True)
    weights = torch.where(total > 0, weights, torch.ones_like(weights))
    cdf = weights.cumsum(-1)
    cdf = cdf / cdf[..., -1:]
    index = torch.searchsorted(cdf, quantiles.contiguous(), right=True).clamp_max(weights.shape[-1] - 1)
    above = cdf.gather(-1, index)
    below = torch.where(index > 0, cdf.gather(-1, (index - 1).clamp_min(0)), torch.zeros_like(above))
    step = above - below
    inside = (quantiles - below) / torch.where(step > 0, step, torch.ones_like(step))
    return index, inside.clamp(0, 1)


def interp_bins(
    edges: Float[Tensor, "*ray edge"],
    index: Int[Tensor, "*ray sample"],
    inside: Float[Tensor, "*ray sample"],
) -> Float[Tensor, "*ray sample"]:
    """Interpolate a quantity known at the edges linearly within the bins."""
    start, end = edges.gather(-1, index), edges.gather(-1, index + 1)
    return start + (end - start) * inside
