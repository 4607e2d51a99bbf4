"""Stage 2 of the weights: teach the generator a procedural field directly, without rendering.

    python -m spir.train.distill car --steps 20000 [--resume] [--minutes 60]

The generator is given z and compared with the formula at sampled points: signed distance, which part colours
the point (so that every palette entry keeps its name) and the palette itself. The mapping network is taught
first (`spir.train.distill.align`) and stays: w = mapping(z) is then known when the encoder is trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from tyro.conf import Positional

from spir import weights
from spir.formulas import FORMULAS
from spir.generator.generator import COMPACT, Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.train import previews
from spir.train.distill.align import align
from spir.train.distill.points import Supervision, box, sample
from spir.train.options import FormulaName, RunOptions, parse
from spir.train.provenance import provenance
from spir.train.regularisers import PathLength, path_lengths
from spir.train.run import TrainingRun, read_checkpoint
from spir.types import Code

MODULE = "spir.train.distill"


@dataclass(frozen=True)
class DistillConfig:
    """Every number of this stage."""

    batch: int = 16
    rate: float = 5e-3
    soft: float = 0.02
    """Distance errors below this count squared (a mean, not a median, of what is not known yet), above
    linearly."""
    first_style: float = 0.1
    """Factor of the style weights at the start, at which w begins to modulate."""
    distance_scale: float = 0.05
    """A distance error of this size counts as 1."""
    near_weight: float = 0.3
    """Weight of points that were placed close to the surface, against 1 for the others."""
    colour_weight: float = 0.10
    palette_weight: float = 0.5
    palette_batch: int = 256
    """Only the palette is compared of so many objects: hue times lightness wants many, and costs little."""
    path_weight: float = 1e-3
    path_from: int = 500
    """Path lengths are free before this step: they must grow, as at first every object is the same."""
    path_every: int = 16
    path_batch: int = 4
    alpha: float = 0.005
    beta: float = 0.005
    """The density law that ships: opaque within a fortieth of a unit. No rendering trains it; of four values
    this one gave the pictures nearest to the formula's."""


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The command line."""

    category: Positional[FormulaName]
    steps: int = 20_000
    batch: int = DistillConfig.batch
    """Objects a step."""
    align: int = 8000
    """Steps of the mapping network, beforehand."""
    planes: int = COMPACT.plane_resolution
    """Resolution of the planes, pixels; 64 where only a CPU trains."""
    start: Path | None = None
    """Begin from these generator weights."""
    compile: bool = False
    """Fuse the formulas: minutes to start, then several times faster."""


def losses(generator: Generator, code: Code, truth: Supervision, config: DistillConfig) -> dict[str, Tensor]:
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


def build_generator(
    category: str, config: DistillConfig, device: str, planes: int = COMPACT.plane_resolution
) -> Generator:
    """A random generator of the category's formula, its density and mapping network frozen."""
    sizes = replace(COMPACT, z_dim=FORMULAS[category].z_dim, plane_resolution=planes)
    generator = Generator(sizes).to(device)
    generator.alpha.data.fill_(config.alpha)
    generator.beta.data.fill_(config.beta)
    generator.half = half_is_fast(device)
    # As drawn, w would scramble the features of every layer: the network learns one object first, then the others.
    for name, weight in generator.named_parameters():
        if name.endswith(("affine.weight", "fc_gamma.weight", "fc_beta.weight")):
            weight.data.mul_(config.first_style)
    for fixed in (generator.alpha, generator.beta, generator.mapping_network):
        fixed.requires_grad_(False)
    return generator


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    config = DistillConfig(batch=options.batch)
    procedural = FORMULAS[options.category]
    folder = options.run or Path("runs") / f"distil-{options.category}"
    generator = build_generator(options.category, config, options.device, options.planes)
    if options.start:
        generator.load_state_dict(weights.load(options.start, Generator, GeneratorConfig)[0].state_dict())
    elif not (options.resume and read_checkpoint(folder)):
        seen = align(generator.mapping_network, procedural, options.align)
        mean, least = float(seen.mean()), float(seen.min())
        print(f"w explains {mean:.3f} of the traits' variance, {least:.3f} of the worst")
    trained = [p for p in generator.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=config.rate, betas=(0.9, 0.99), fused=True)
    run = TrainingRun(folder, generator, optimiser, options.steps)
    if options.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    path_length = PathLength(decay=0.15)
    if options.compile:
        procedural.compile()
    bounds = box(procedural.field(torch.randn(64, procedural.z_dim, device=options.device)))

    def body(step: int) -> dict[str, float]:
        z = torch.randn(config.batch, procedural.z_dim, device=options.device)
        field = procedural.field(z)
        truth = sample(field, config.batch, bounds)
        terms = losses(generator, generator.code(z), truth, config)
        more = torch.randn(config.palette_batch, procedural.z_dim, device=options.device)
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

    shown = torch.randn(6, procedural.z_dim, generator=torch.Generator().manual_seed(1)).to(options.device)

    def preview(path: Path) -> None:
        previews.distillation(path, run.ema, shown, procedural.field(shown))

    run.iterate(body, options.minutes, preview)
    if options.export:
        record = provenance(MODULE, argv, options, config)
        weights.save(
            options.export, run.ema, generator.config, stage="distil", steps=run.step, provenance=record
        )


if __name__ == "__main__":
    main()
