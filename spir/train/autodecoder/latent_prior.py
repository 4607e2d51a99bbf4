"""After the data-fit rung: random objects become as frequent as real ones, w of random z as the codes of photos.

    python -m spir.train.autodecoder.latent_prior car --start runs/f2.safetensors --poses runs/found.safetensors --export FILE

The mapping network of the procedural weights draws classes and paints as a formula does, the street does not.
Between two normal distributions the shortest way is a linear map; the network is taught its own answers, moved
by it: a z stays as much the object that it was as the crowd allows. Nothing else of the generator changes.

The encoder is taught by renderings of the formulas, whose w the mapping network before this stage gives.
"""

import argparse
import copy
import sys
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir import weights
from spir.categories import CATEGORIES
from spir.data.poses.table import load_table
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.mapping import MappingNetwork
from spir.metrics.fid import Statistics, statistics, symmetric_root
from spir.train.distill.align import explained, teach

DRAWN = 16_384
"""Random z that describe what the network says now."""
RIDGE = 1e-2
"""Variance that every direction of w has at least, or hardly used ones would be stretched without measure."""


def transport(
    source: Statistics, target: Statistics, ridge: float = 0.0
) -> tuple[Float[Tensor, "width width"], Float[Tensor, " width"]]:
    """Matrix M and shift s so that x M + s carries the one normal distribution into the other at the least cost.

    That cost, the mean squared length of the way, is the Fréchet distance of the two. float64."""
    eye = ridge * torch.eye(len(source.mean), dtype=torch.float64)
    root = symmetric_root(source.covariance + eye)
    back = torch.linalg.inv(root)
    matrix = back @ symmetric_root(root @ (target.covariance + eye) @ root) @ back
    return matrix, target.mean - source.mean @ matrix


def follow(
    network: MappingNetwork, z_dim: int, codes: Float[Tensor, "photo width"], steps: int, batch: int = 1024
) -> float:
    """Teach the network to spread w as `codes` are spread; returns how much of its new answers' variance it got
    right."""
    before = copy.deepcopy(network).requires_grad_(False)
    device = codes.device
    with torch.no_grad():
        drawn = before(torch.randn(DRAWN, z_dim, device=device))
    matrix, shift = transport(statistics(drawn), statistics(codes), RIDGE)
    matrix, shift = matrix.float().to(device), shift.float().to(device)

    def pair() -> tuple[Tensor, Tensor]:
        z = torch.randn(batch, z_dim, device=device)
        return network(z), before(z) @ matrix + shift

    teach(list(network.backbone.values()), lambda: F.mse_loss(*pair()), steps, rate=1e-2)
    with torch.no_grad():
        return float(explained(*pair()).mean())


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m spir.train.autodecoder.latent_prior",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("category", choices=sorted(CATEGORIES))
    add(
        "--poses", type=Path, required=True, help="table that spir.train.autodecoder.train wrote with --found"
    )
    add("--start", type=Path, help="generator (weights/CATEGORY/generator.safetensors)")
    add("--steps", type=int, default=2000)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--seed", type=int, default=0)
    add("--export", type=Path, required=True, help="where to write the generator")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    path = args.start or weights.WEIGHTS / args.category / "generator.safetensors"
    try:
        table = load_table(args.poses)
        generator, note, _ = weights.load(path, Generator, GeneratorConfig)
    except (ValueError, weights.WeightsError) as problem:
        sys.exit(f"Nothing was taught: {problem}")
    if table.w.shape[1] != 1:
        sys.exit(
            f"Nothing was taught: {args.poses} has a w for every layer. Take what spir.train.autodecoder.train --found wrote."
        )
    generator.to(args.device)
    share = follow(
        generator.mapping_network, generator.config.z_dim, table.w[:, 0].to(args.device), args.steps
    )
    print(f"{len(table)} photos; {share:.3f} of the moved answers' variance learnt")
    weights.save(args.export, generator.cpu(), generator.config, **note | {"prior": len(table)})


if __name__ == "__main__":
    main()
