"""Stage 2 of the weights: teach the generator a procedural field directly, without rendering.

    python -m spir.train.distil car --steps 20000 [--resume] [--minutes 60] [--device auto]

The generator sees z and is compared with the formula at sampled points: signed distance, which part
colours the point (so that every palette entry keeps its name) and the palette itself. The mapping
network is set once (`align`) and stays: w = mapping(z) is then known to the encoder's training from the start.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from spir import weights
from spir.data.procedural import PROCEDURAL
from spir.generator.generator import COMPACT, Generator, GeneratorConfig
from spir.generator.mapping import MappingNetwork
from spir.train import pictures
from spir.train.points import Supervision, sample
from spir.train.regularisers import PathLength, path_lengths
from spir.train.run import Run
from spir.types import Code


@dataclass(frozen=True)
class DistilConfig:
    """Every number of this stage."""

    batch: int = 16
    rate: float = 5e-3
    soft: float = 0.02
    """Errors below count squared (a mean, not a median, of what is not known yet), above linearly."""
    first_style: float = 0.1
    """Strength at which w begins to modulate."""
    distance_scale: float = 0.05
    """An error of this size counts as 1."""
    near_weight: float = 0.3
    """Of points that were placed close to the surface, against 1 for the others."""
    colour_weight: float = 0.10
    palette_weight: float = 0.5
    path_weight: float = 1e-3
    path_from: int = 500
    """Before this step the lengths must grow: at first every object is the same."""
    path_every: int = 16
    path_batch: int = 4
    alpha: float = 0.01
    beta: float = 0.01
    """The density law that ships: opaque after about five hundredths of a unit. No rendering trains it."""


def losses(
    generator: Generator, code: Code, truth: Supervision, palette: Tensor, config: DistilConfig
) -> dict:
    """The terms of the loss, and `error`, the mean absolute distance error close to the surface."""
    field = generator.field(code)
    sdf, logits = generator.decoder(field.features(truth.points))
    coloured = truth.attention.shape[1]
    miss = (sdf - truth.sdf)[:, truth.on_surface :]
    far = truth.sdf[:, truth.on_surface :].abs()
    soft = (miss.square() + config.soft**2).sqrt() - config.soft
    near = coloured - truth.on_surface
    weight = torch.cat([soft.new_full((near,), config.near_weight), soft.new_ones(soft.shape[1] - near)])
    chosen = logits[:, :coloured].log_softmax(dim=-1)
    # Colour matters where the renderer looks: at the surface.
    close = torch.exp(-(truth.sdf[:, :coloured] / 0.03).square())
    entropy = -(truth.attention * (truth.attention + 1e-6).log()).sum(dim=-1)
    divergence = -(truth.attention * chosen).sum(dim=-1) - entropy
    return {
        "distance": (weight * soft).sum() / (len(soft) * weight.sum() * config.distance_scale),
        "colour": (close * divergence).sum() / close.sum(),
        "palette": (field.palette - palette).abs().mean(),
        "error": miss.detach().abs()[far < 0.1].mean(),
        "path": sdf.new_zeros(()),
    }


@torch.no_grad()
def align(network: MappingNetwork) -> None:
    """Give every entry of z an axis of w for either sign, instead of random mixtures of all.

    An optimiser that scales each weight by itself (Adam) finds what an entry of z does some ten times faster
    when few weights hear of it; and what can be seen of an object is then a few entries of its w."""
    first, second = network.backbone["fc0"], network.backbone["fc1"]
    outputs, inputs = first.weight.shape
    signs = first.effective_weight.clone()
    identity = torch.eye(inputs, device=signs.device)
    signs[: 2 * inputs] = torch.cat([identity, -identity])[:outputs]
    for layer, wanted in ((first, signs), (second, torch.eye(outputs, device=signs.device))):
        # Activations carry a gain of the root of two.
        layer.weight.mul_(0).add_(wanted / (2**0.5 * layer.rate * layer.weight.shape[1] ** -0.5))


def build(
    category: str, config: DistilConfig, device: str, planes: int = COMPACT.plane_resolution
) -> Generator:
    sizes = replace(COMPACT, z_dim=PROCEDURAL[category].z_dim, plane_resolution=planes)
    generator = Generator(sizes).to(device)
    generator.alpha.data.fill_(config.alpha)
    generator.beta.data.fill_(config.beta)
    generator.half = True
    align(generator.mapping_network)
    # As drawn, w would scramble the features of every layer: the network first learns one object, then what varies.
    for layer in generator.synthesis_network.modules():
        if hasattr(layer, "affine"):
            layer.affine.weight.data.mul_(config.first_style)
    for fixed in (generator.alpha, generator.beta, *generator.mapping_network.parameters()):
        fixed.requires_grad_(False)
    return generator


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("category", choices=sorted(PROCEDURAL))
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=DistilConfig.batch)
    parser.add_argument(
        "--minutes", type=float, help="stop this call after so many minutes; --resume goes on"
    )
    parser.add_argument(
        "--planes", type=int, default=COMPACT.plane_resolution, help="pixels; 64 where only a CPU trains"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run's newest checkpoint")
    parser.add_argument("--start", type=Path, help="begin from these generator weights")
    parser.add_argument("--run", type=Path, default=None, help="folder of the run (runs/distil-CATEGORY)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path, help="write the averaged weights here when this call ends")
    args = parser.parse_args(argv)

    torch.manual_seed(args.seed)
    config = DistilConfig(batch=args.batch)
    generator = build(args.category, config, args.device, args.planes)
    if args.start:
        generator.load_state_dict(weights.load(args.start, Generator, GeneratorConfig)[0].state_dict())
    trained = [p for p in generator.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=config.rate, betas=(0.9, 0.99))
    run = Run(args.run or Path("runs") / f"distil-{args.category}", generator, optimiser, args.steps)
    if args.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    procedural, path_length = PROCEDURAL[args.category], PathLength(decay=0.15)

    def body(step: int) -> dict[str, float]:
        z = torch.randn(config.batch, procedural.z_dim, device=args.device)
        field = procedural.field(z)
        truth = sample(field, config.batch)
        terms = losses(generator, generator.code(z), truth, field.palette, config)
        loss = (
            terms["distance"]
            + config.colour_weight * terms["colour"]
            + config.palette_weight * terms["palette"]
        )
        if step % config.path_every == 0 and step >= config.path_from:
            w = generator.rows(generator.code(z[: config.path_batch])).detach().clone().requires_grad_()
            lengths = path_lengths(generator.planes(Code(w)), generator.palette(Code(w)), w)
            terms["path"] = config.path_every * path_length(lengths)
            loss = loss + config.path_weight * terms["path"]
        return {k: float(v.detach()) for k, v in terms.items()} | {"norm": run.update(loss)}

    shown = torch.randn(6, procedural.z_dim, generator=torch.Generator().manual_seed(1)).to(args.device)

    def picture(path: Path) -> None:
        pictures.distillation(path, run.average, shown, procedural.field(shown))

    run.iterate(body, args.minutes, picture)
    if args.export:
        weights.save(args.export, run.average, generator.config, stage="distil", steps=run.step)


if __name__ == "__main__":
    main()
