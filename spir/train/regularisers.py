"""§3.1 regularisers: functions of a generator's outputs; the networks know nothing of them."""

import torch
from jaxtyping import Float
from torch import Tensor


def path_lengths(
    planes: Float[Tensor, "batch 3 channel size size"],
    palette: Float[Tensor, "batch values 3"],
    w: Float[Tensor, "batch layers width"],
) -> Float[Tensor, " batch"]:
    """§3.1 "Path Length Regularization revisited": how far shape and colours move per unit of w.

    The norm of J^T y for random y over the planes *and* the palette, with the picture part scaled by
    1 / size as in StyleGAN2; one w row at a time, mean over the rows. Differentiable."""
    size = planes.shape[-1]
    moved = (planes * torch.randn_like(planes) / size).sum() + (palette * torch.randn_like(palette)).sum()
    (slope,) = torch.autograd.grad(moved, w, create_graph=True)
    return (slope.square().sum(dim=2).mean(dim=1) + 1e-12).sqrt()


class PathLength:
    """The penalty (length - running mean)^2: the mean drifts with the network, the spread is punished."""

    def __init__(self, decay: float = 0.01):
        self.decay = decay
        self.mean: Tensor | None = None

    def __call__(self, lengths: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
        new = lengths.detach().mean()
        self.mean = new if self.mean is None else self.mean.lerp(new, self.decay)
        return (lengths - self.mean).square().mean()
