"""Stage 2 of the weights: teach the generator a procedural field directly, without rendering.

    python -m spir.train.distill car --steps 20000 [--resume] [--minutes 60] [--device auto]

The generator sees z and is compared with the formula at sampled points: signed distance, which part
colours the point (so that every palette entry keeps its name) and the palette itself. The mapping network
is taught first (`train.align`) and stays: w = mapping(z) is then known to the encoder's training from the start.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional as F

from spir import weights
from spir.formulas import FORMULAS
from spir.generator.generator import COMPACT, Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.train import pictures
from spir.train.distill.align import align
from spir.train.distill.points import Supervision, box, sample
from spir.train.regularisers import PathLength, path_lengths
from spir.train.run import Run, read_parts
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
    palette_batch: int = 256
    """Objects of whom only the palette is compared: hue times lightness wants many, and costs little."""
    path_weight: float = 1e-3
    path_from: int = 500
    """Before this step the lengths must grow: at first every object is the same."""
    path_every: int = 16
    path_batch: int = 4
    alpha: float = 0.005
    beta: float = 0.005
    """The density law that ships: opaque within a fortieth of a unit. No rendering trains it; of four values
    this one gave the pictures nearest to the formula's."""


def losses(generator: Generator, code: Code, truth: Supervision, config: DistilConfig) -> dict:
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
        "error": miss.detach().abs()[far < 0.1].mean(),
        "path": sdf.new_zeros(()),
    }


def build(
    category: str, config: DistilConfig, device: str, planes: int = COMPACT.plane_resolution
) -> Generator:
    sizes = replace(COMPACT, z_dim=FORMULAS[category].z_dim, plane_resolution=planes)
    generator = Generator(sizes).to(device)
    generator.alpha.data.fill_(config.alpha)
    generator.beta.data.fill_(config.beta)
    generator.half = half_is_fast(device)
    # As drawn, w would scramble the features of every layer: the network first learns one object, then what varies.
    for name, weight in generator.named_parameters():
        if name.endswith(("affine.weight", "fc_gamma.weight", "fc_beta.weight")):
            weight.data.mul_(config.first_style)
    for fixed in (generator.alpha, generator.beta, generator.mapping_network):
        fixed.requires_grad_(False)
    return generator


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("category", choices=sorted(FORMULAS))
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=DistilConfig.batch)
    parser.add_argument("--align", type=int, default=8000, help="steps of the mapping network, beforehand")
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
    parser.add_argument(
        "--compile",
        action="store_true",
        help="fuse the formulas: minutes to start, then several times faster",
    )
    parser.add_argument("--export", type=Path, help="write the averaged weights here when this call ends")
    args = parser.parse_args(argv)

    torch.manual_seed(args.seed)
    config = DistilConfig(batch=args.batch)
    procedural, folder = FORMULAS[args.category], args.run or Path("runs") / f"distil-{args.category}"
    generator = build(args.category, config, args.device, args.planes)
    if args.start:
        generator.load_state_dict(weights.load(args.start, Generator, GeneratorConfig)[0].state_dict())
    elif not (args.resume and read_parts(folder)):
        seen = align(generator.mapping_network, procedural, args.align)
        print(
            f"w explains {float(seen.mean()):.3f} of the traits' variance, {float(seen.min()):.3f} of the worst"
        )
    trained = [p for p in generator.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=config.rate, betas=(0.9, 0.99), fused=True)
    run = Run(folder, generator, optimiser, args.steps)
    if args.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    path_length = PathLength(decay=0.15)
    if args.compile:
        procedural.compile()
    bounds = box(procedural.field(torch.randn(64, procedural.z_dim, device=args.device)))

    def body(step: int) -> dict[str, float]:
        z = torch.randn(config.batch, procedural.z_dim, device=args.device)
        field = procedural.field(z)
        truth = sample(field, config.batch, bounds)
        terms = losses(generator, generator.code(z), truth, config)
        more = torch.randn(config.palette_batch, procedural.z_dim, device=args.device)
        terms["palette"] = F.l1_loss(generator.palette(generator.code(more)), procedural.palette(more))
        loss = (
            terms["distance"]
            + config.colour_weight * terms["colour"]
            + config.palette_weight * terms["palette"]
        )
        if step % config.path_every == 0 and step >= config.path_from:
            w = generator.w_plus(generator.code(z[: config.path_batch])).detach().clone().requires_grad_()
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
