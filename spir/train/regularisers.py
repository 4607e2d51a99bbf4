"""§3.1, the regularisers, as functions of a generator's outputs."""

import torch
from jaxtyping import Float
from torch import Tensor

from spir.generator.generator import Generator
from spir.geometry.density import LaplaceDensity, laplace_cdf, laplace_pdf
from spir.types import Code


def path_lengths(
    planes: Float[Tensor, "batch 3 channel size size"],
    palette: Float[Tensor, "batch values 3"],
    w: Float[Tensor, "batch layers width"],
) -> Float[Tensor, " batch"]:
    """§3.1 "Path Length Regularization revisited": how far shape and colours move per unit of w,
    differentiable.

    It is the norm of J^T y for random y over the planes *and* the palette, with the planes' part scaled by 1
    / size as in StyleGAN2; one row of w at a time, mean over the rows."""
    size = planes.shape[-1]
    moved = (planes * torch.randn_like(planes) / size).sum() + (palette * torch.randn_like(palette)).sum()
    (slope,) = torch.autograd.grad(moved, w, create_graph=True)
    return (slope.square().sum(dim=2).mean(dim=1) + 1e-12).sqrt()


def object_path_lengths(generator: Generator, z: Float[Tensor, "batch z_dim"]) -> Float[Tensor, " batch"]:
    """The `path_lengths` of random objects."""
    w = generator.w_plus(generator.code(z)).detach().clone().requires_grad_()
    return path_lengths(generator.planes(Code(w)), generator.palette(Code(w)), w)


class PathLength:
    """The penalty (length - running mean)^2: the mean may drift with the network, the spread is punished."""

    def __init__(self, decay: float = 0.01):
        self.decay = decay
        self.mean: Tensor | None = None

    def __call__(self, lengths: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
        """The penalty, mean over the batch; updates the running mean."""
        new = lengths.detach().mean()
        self.mean = new if self.mean is None else self.mean.lerp(new, self.decay)
        return (lengths - self.mean).square().mean()


def stratified_points(
    batch: int, side: int, reach: float, device: torch.device | str = "cpu"
) -> Float[Tensor, "batch point 3"]:
    """One random point in each of the side^3 cells of the cube [-reach, reach]^3."""
    cell = torch.arange(side, device=device)
    corners = torch.cartesian_prod(cell, cell, cell)
    inside = torch.rand(batch, side**3, 3, device=device)
    return ((corners + inside) / side * 2 - 1) * reach


def eikonal(slope: Float[Tensor, "batch point 3"]) -> Float[Tensor, ""]:
    """Eq. 2, mean (|grad d| - 1)^2, which makes the output a distance."""
    length = (slope.square().sum(dim=-1) + 1e-12).sqrt()
    return (length - 1).square().mean()


def total_variation(
    density: LaplaceDensity, sdf: Float[Tensor, "batch point"], moved: Float[Tensor, "batch point"]
) -> Float[Tensor, ""]:
    """Mean |Psi(-d(x)) - Psi(-d(x + noise))|: it punishes occupancy that changes over a tiny distance, fog or
    foam."""
    return (laplace_cdf(-sdf, density.beta) - laplace_cdf(-moved, density.beta)).abs().mean()


def surface_entropy(density: LaplaceDensity, sdf: Float[Tensor, "batch point"]) -> Float[Tensor, ""]:
    """Mean Psi'(-d): it punishes space that lies in the undecided band around a surface."""
    return laplace_pdf(-sdf, density.beta).mean()
