"""§3.1 "Unconditional generator pre-training" as a command: adversarial training on single views of real
objects.

    python -m spir.data.poses car photos.tar --out runs/poses.safetensors
    python -m spir.train.gan car --photos photos.tar --poses runs/poses.safetensors --preset distilled
    torchrun --nproc_per_node 4 -m spir.train.gan.train -- car --photos cars_train/ --preset paper

`--photos` is any collection that `spir.data.collection` opens; a table of poses replaces its cameras. From
scratch the generator begins as a sphere, with --start (or the preset "distilled") from weights.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
import tyro
from torch import nn
from tyro.conf import Positional

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.table import load_table
from spir.data.training_set import TrainingSet, from_collection
from spir.generator import generator as networks
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.metrics import fid
from spir.train import parallel, previews
from spir.train.autodecoder.distill_reg import DistillReg
from spir.train.distill.sphere import pretrain
from spir.train.gan.ablation import ABLATIONS, WHOLE
from spir.train.gan.config import PRESETS, GanConfig
from spir.train.gan.discriminator import Discriminator, DiscriminatorConfig
from spir.train.gan.projected import ProjectedDiscriminator
from spir.train.gan.trainer import GanTrainer
from spir.train.options import CategoryName, RunOptions, parse
from spir.train.provenance import provenance
from spir.train.run import TrainingRun, TrainState, read_checkpoint, trainable_parameters

MODULE = "spir.train.gan"
if TYPE_CHECKING:
    PresetName = str
    AblationName = str
else:
    PresetName = Literal[tuple(sorted(PRESETS))]
    AblationName = Literal[tuple(sorted(ABLATIONS))]


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The command line."""

    category: Positional[CategoryName]
    photos: Path
    """Collection to learn from."""
    layout: str = "auto"
    """Layout of the collection, where it is not recognised."""
    poses: Path | None = None
    """Table of spir.data.poses; without it the collection's own cameras count."""
    limit: int | None = None
    """Learn from the first so many pictures only."""
    preset: PresetName = "small"
    """Numbers to start from, see spir.train.gan.config."""
    set: tuple[str, ...] = ()
    """NAME=VALUE ...: change numbers of the preset, such as r1=2 ada.target=0.5."""
    without: AblationName | None = None
    """Take a part of the method away, to see what it is worth."""
    start: Path | None = None
    """Generator weights to begin from (presets distilled and projected: those that ship)."""
    planes: int = 64
    """Resolution of the planes of a generator from scratch, pixels."""
    steps: int | None = None
    """Steps of both networks (the preset's)."""
    fid: int = 0
    """Compare so many samples with the real pictures, now and then."""
    fid_every: int = 1000
    """Steps between two comparisons."""
    fid_encoder: Path | None = None
    """Compare through this encoder's features, where Inception is not at hand."""


def override(config: GanConfig, assignments: Sequence[str]) -> GanConfig:
    """The configuration with every "name=value" applied; exits for names and values that do not exist."""
    arguments = [f"--{assignment}" for assignment in assignments]
    return tyro.cli(GanConfig, default=config, args=arguments, prog="--set")


def build_generator(options: Options, config: GanConfig, network: type[Generator]) -> Generator:
    """The generator at its start: from weights, or random (`pretrain` makes that a sphere)."""
    start = options.start
    if start is None and options.preset in ("distilled", "projected"):
        start = weights.WEIGHTS / options.category / "generator.safetensors"
    if start is not None:
        generator = weights.load(start, network, GeneratorConfig)[0].to(options.device)
    else:
        reach = CATEGORIES[options.category].scene_range
        small = replace(networks.COMPACT, plane_resolution=options.planes, scene_range=reach)
        paper = replace(networks.PAPER, scene_range=reach)
        generator = network(paper if options.preset == "paper" else small).to(options.device)
        generator.beta.data.fill_(config.density)
    generator.half = config.half and half_is_fast(options.device)
    return generator.train()


def build_discriminator(
    config: GanConfig, channels: int, half: bool
) -> Discriminator | ProjectedDiscriminator:
    """A new discriminator of pictures with so many channels; `half` = convolutions in bfloat16, where it learns them."""
    if config.projected:
        return ProjectedDiscriminator(config.size)
    sizes = DiscriminatorConfig(config.size, channels, config.channel_base, config.channel_max)
    discriminator = Discriminator(sizes)
    discriminator.half = half
    return discriminator


def adam(parameters: Iterable[nn.Parameter], rate: float, config: GanConfig) -> torch.optim.Adam:
    """The optimiser of either network."""
    return torch.optim.Adam(parameters, lr=rate, betas=config.betas, fused=True)


def fid_metric(options: Options, photos: TrainingSet) -> Callable[[Generator], float]:
    """A function that returns the Fréchet distance of a generator's samples to the photos."""
    path = options.fid_encoder or weights.WEIGHTS / options.category / "encoder.safetensors"
    encoder = weights.load(path, Encoder, EncoderConfig)[0].to(options.device)
    features, category = fid.choose_features(encoder, options.device), CATEGORIES[options.category]
    size = encoder.config.size
    (real,) = fid.look_at([features], photos.batches(size, category.background, options.device))
    print(f"{features.name}: {options.fid} samples against {real.count} pictures", flush=True)
    return lambda generator: fid.frechet_distance(
        fid.look_at([features], fid.samples(generator, photos.pose, category, options.fid, size))[0], real
    )


class FidTracker:
    """Measures the averaged generator now and then, logs to fid.csv and keeps the best weights beside it."""

    def __init__(
        self, run: TrainingRun[Generator], metric: Callable[[Generator], float], record: dict[str, Any]
    ):
        """`record` is the provenance of the weights that it writes."""
        self.run, self.metric, self.record = run, metric, record
        self.log = run.folder / "fid.csv"
        self.best = min((float(line.split(",")[2]) for line in self.lines()), default=float("inf"))

    def lines(self) -> list[str]:
        """The rows of the log: step, seconds, distance."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def measure(self) -> None:
        """Measure the average, unless this step was measured already."""
        lines, step = self.lines(), self.run.step
        if any(line.startswith(f"{step},") for line in lines):
            return
        distance = self.metric(self.run.ema)
        self.log.write_text("\n".join([*lines, f"{step},{self.run.seconds:.0f},{distance:.5g}"]) + "\n")
        print(f"step {step}: {distance:.5g}", flush=True)
        if distance < self.best:
            self.best = distance
            export(self.run.folder / "best.safetensors", self.run, self.record)


def export(path: Path, run: TrainingRun[Generator], record: dict[str, Any]) -> None:
    """Write the averaged generator with its provenance."""
    weights.save(path, run.ema, run.ema.config, stage="adversarial", steps=run.step, provenance=record)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where there is nothing to train."""
    options = parse(Options, MODULE, __doc__, argv)
    ablation = ABLATIONS[options.without] if options.without else WHOLE
    if options.export and ablation.network is not Generator:
        sys.exit(
            "Nothing was trained: weights without colour mapping are for comparisons. Leave --export out."
        )
    config = ablation(override(PRESETS[options.preset], options.set))
    category = CATEGORIES[options.category]
    try:
        collection = open_collection(options.photos, options.layout)
        table = load_table(options.poses) if options.poses else None
        photos = from_collection(collection, category, 2 * config.size, table, options.limit)
    except (ValueError, FileNotFoundError) as problem:
        sys.exit(f"Nothing was trained: {problem}")
    options = replace(options, device=parallel.start(options.device))
    torch.manual_seed(options.seed)
    folder = options.run or Path("runs") / f"gan-{options.category}"
    generator = build_generator(options, config, ablation.network)
    distill_reg = DistillReg(generator) if config.distill_reg else None
    if config.sphere_steps and not (options.resume and read_checkpoint(folder)):
        error = pretrain(generator, config.sphere_steps, config.sphere_radius, config.batch)
        print(f"a sphere within {error:.4f} object units", flush=True)
    channels = 3 if photos.mask is None else 4
    discriminator = build_discriminator(config, channels, generator.half).to(options.device)
    discriminator_adam = adam(discriminator.parameters(), config.discriminator_rate, config)
    run = TrainingRun(
        folder,
        generator,
        adam(trainable_parameters(generator, config.frozen), config.generator_rate, config),
        options.steps or config.steps,
        warm_up=config.rate_warm_up,
        first_rate=config.first_rate,
        final_rate=1.0,
        clip=config.clip,
        others={"discriminator": TrainState(discriminator, discriminator_adam, config.clip)},
    )
    if options.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    trainer = GanTrainer(run, photos, category, config, options.seed, distill_reg)
    record = provenance(MODULE, argv, options, config)
    # Only one process measures.
    tracker = None
    if options.fid and parallel.leads():
        tracker = FidTracker(run, fid_metric(options, photos), record)

    def body(step: int) -> dict[str, float]:
        if tracker is not None and step % options.fid_every == 0:
            tracker.measure()
        return trainer.step(step)

    print(f"{len(photos)} pictures, {channels} channels", flush=True)
    run.iterate(body, options.minutes, lambda path: previews.samples(path, run.ema, photos, category))
    if tracker is not None:
        tracker.measure()
    if options.export and parallel.leads():
        export(options.export, run, record)
    parallel.stop()


if __name__ == "__main__":
    main()
