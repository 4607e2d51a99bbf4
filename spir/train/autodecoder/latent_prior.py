"""After the autodecoder: w of random z become distributed as the codes of photos are.

    python -m spir.train.autodecoder.latent_prior car --start GENERATOR --poses runs/found.safetensors --export FILE

The mapping network of the procedural weights draws classes and paints as a formula does, the street does not.
The optimal transport between two normal distributions is a linear map; the network is taught its own answers,
transported by it, so a z stays as much the object that it was as the distribution allows. Nothing else of the
generator changes.

The encoder is trained on renderings of the formulas, whose w the mapping network before this stage gives.
"""

import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from tyro.conf import Positional

from spir import weights
from spir.data.poses.table import load_table
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.mapping import MappingNetwork
from spir.metrics.fid import Statistics, statistics, symmetric_root
from spir.train.distill.align import explained, teach
from spir.train.options import DEVICE, CategoryName, parse
from spir.train.provenance import provenance
from spir.weights.files import PROVENANCE

MODULE = "spir.train.autodecoder.latent_prior"
SAMPLES = 16_384
"""The distribution of w is measured on so many random z."""
RIDGE = 1e-2
"""Variance that every direction of w has at least, or hardly used ones would be stretched without measure."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    category: Positional[CategoryName]
    poses: Path
    """Table that spir.train.autodecoder wrote with --found."""
    start: Path | None = None
    """Generator (weights/CATEGORY/generator.safetensors)."""
    steps: int = 2000
    device: str = DEVICE
    """PyTorch device that trains."""
    seed: int = 0
    """Seed of the random numbers."""
    export: Path
    """Where to write the generator."""


def transport(
    source: Statistics, target: Statistics, ridge: float = 0.0
) -> tuple[Float[Tensor, "width width"], Float[Tensor, " width"]]:
    """The optimal transport between two normal distributions: matrix M and shift s of the map x M + s,
    float64.

    Its cost, the mean squared displacement, is the Fréchet distance of the two."""
    eye = ridge * torch.eye(len(source.mean), dtype=torch.float64)
    root = symmetric_root(source.covariance + eye)
    back = torch.linalg.inv(root)
    matrix = back @ symmetric_root(root @ (target.covariance + eye) @ root) @ back
    return matrix, target.mean - source.mean @ matrix


def match_codes(
    network: MappingNetwork, z_dim: int, codes: Float[Tensor, "photo width"], steps: int, batch: int = 1024
) -> float:
    """Teach the mapping network to distribute w as `codes` are distributed, in place.

    Returns the share of the transported answers' variance that the network learnt."""
    before = copy.deepcopy(network).requires_grad_(False)
    device = codes.device
    with torch.no_grad():
        drawn = before(torch.randn(SAMPLES, z_dim, device=device))
    matrix, shift = transport(statistics(drawn), statistics(codes), RIDGE)
    matrix, shift = matrix.float().to(device), shift.float().to(device)

    def pair() -> tuple[Tensor, Tensor]:
        z = torch.randn(batch, z_dim, device=device)
        return network(z), before(z) @ matrix + shift

    teach(network.layers, lambda: F.mse_loss(*pair()), steps, rate=1e-2)
    with torch.no_grad():
        return float(explained(*pair()).mean())


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where table or generator cannot be used."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    path = options.start or weights.WEIGHTS / options.category / "generator.safetensors"
    try:
        table = load_table(options.poses)
        generator, extra, _ = weights.load(path, Generator, GeneratorConfig)
    except (ValueError, weights.WeightsError) as problem:
        sys.exit(f"Nothing was taught: {problem}")
    if table.w.shape[1] != 1:
        sys.exit(
            f"Nothing was taught: {options.poses} has a w for every layer. "
            "Take the table that spir.train.autodecoder --found wrote."
        )
    generator.to(options.device)
    codes = table.w[:, 0].to(options.device)
    share = match_codes(generator.mapping_network, generator.config.z_dim, codes, options.steps)
    print(f"{len(table)} photos; {share:.3f} of the transported answers' variance learnt")
    # The file also keeps how the generator was made that this stage began with.
    record = provenance(MODULE, argv, options) | {"start": extra.pop(PROVENANCE, None)}
    weights.save(
        options.export, generator.cpu(), generator.config, **extra, prior=len(table), provenance=record
    )


if __name__ == "__main__":
    main()
