"""§3.1 "Unconditional generator pre-training" as a command: adversarial training on single views of real objects.

    python -m spir.data.poses car photos.tar --out runs/poses.safetensors
    python -m spir.train.gan car --photos photos.tar --poses runs/poses.safetensors --preset distilled
    torchrun --nproc_per_node 4 -m spir.train.gan.train -- car --photos cars_train/ --preset paper

`--photos` is any collection that `spir.data.collection` opens; a table of poses replaces its cameras. From
scratch the generator begins as a sphere, with --start (or the preset "distilled") from weights.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path

import torch
from torch import nn

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
from spir.train import parallel, pictures
from spir.train.autodecoder.distill_reg import Anchor
from spir.train.distill.sphere import pretrain
from spir.train.gan.ablation import ABLATIONS, WHOLE
from spir.train.gan.config import PRESETS, GanConfig
from spir.train.gan.discriminator import Discriminator, DiscriminatorConfig
from spir.train.gan.trainer import Game
from spir.train.run import Learner, Run, learning, read_parts


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m spir.train.gan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("category", choices=sorted(CATEGORIES))
    add("--photos", type=Path, required=True, help="collection to learn from")
    add("--layout", default="auto", help="of the collection, where it is not recognised")
    add(
        "--poses",
        type=Path,
        help="table of spir.data.poses.bootstrap; without it the collection's own cameras",
    )
    add("--limit", type=int, metavar="N", help="learn from the first N pictures only")
    add("--preset", choices=sorted(PRESETS), default="small")
    add("--set", nargs="+", default=[], metavar="NAME=NUMBER", help="change numbers of the preset")
    add(
        "--without", choices=sorted(ABLATIONS), help="take a part of the method away, to see what it is worth"
    )
    add("--start", type=Path, help="generator weights to begin from (preset distilled: those that ship)")
    add("--planes", type=int, default=64, help="pixels of the planes of a generator from scratch")
    add("--steps", type=int, help="both players' (default: the preset's)")
    add("--minutes", type=float, help="stop this call after so many minutes; --resume goes on")
    add("--resume", action="store_true", help="continue the run's newest checkpoint")
    add("--run", type=Path, help="folder of the run (runs/gan-CATEGORY)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--seed", type=int, default=0)
    add("--export", type=Path, help="write the averaged weights here when this call ends")
    add(
        "--fid",
        type=int,
        default=0,
        metavar="N",
        help="compare N samples with the real pictures, now and then",
    )
    add("--fid-every", type=int, default=1000, metavar="STEPS")
    add("--fid-encoder", type=Path, help="through whose features, where Inception is not at hand")
    return made


def changed(config: GanConfig, assignments: list[str]) -> GanConfig:
    """The configuration with "name=number" applied. Raises ValueError for names and values that do not exist."""
    kinds = {f.name: type(getattr(config, f.name)) for f in fields(config)}
    values = {}
    for text in assignments:
        name, _, value = text.partition("=")
        if kinds.get(name) not in (int, float):
            known = ", ".join(sorted(n for n, kind in kinds.items() if kind in (int, float)))
            raise ValueError(f"there is no number {name!r} in the configuration; there are {known}")
        values[name] = kinds[name](value)
    return replace(config, **values)


def build(args: argparse.Namespace, config: GanConfig, network: type[Generator] = Generator) -> Generator:
    """The generator at its start: from weights, or random (`pretrain` makes that a sphere)."""
    start = args.start
    if start is None and args.preset == "distilled":
        start = weights.WEIGHTS / args.category / "generator.safetensors"
    if start is not None:
        generator = weights.load(start, network, GeneratorConfig)[0].to(args.device)
    else:
        reach = CATEGORIES[args.category].scene_range
        small = replace(networks.COMPACT, plane_resolution=args.planes, scene_range=reach)
        paper = replace(networks.PAPER, scene_range=reach)
        generator = network(paper if args.preset == "paper" else small).to(args.device)
        generator.beta.data.fill_(config.density)
    generator.half = config.half and half_is_fast(args.device)
    return generator.train()


def adam(parameters: Iterable[nn.Parameter], rate: float, config: GanConfig) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=rate, betas=config.betas, fused=True)


def judge(args: argparse.Namespace, photos: TrainingSet) -> Callable[[Generator], float]:
    """A function that says how far a generator's samples are from the photos."""
    path = args.fid_encoder or weights.WEIGHTS / args.category / "encoder.safetensors"
    encoder = weights.load(path, Encoder, EncoderConfig)[0].to(args.device)
    features, category = fid.choose_features(encoder, args.device), CATEGORIES[args.category]
    size = encoder.config.size
    real = fid.look_at(features, photos.shown(size, category.background, args.device))
    print(f"{features.name}: {args.fid} samples against {real.count} pictures", flush=True)
    return lambda generator: fid.frechet_distance(
        fid.look_at(features, fid.samples(generator, photos.pose, category, args.fid, size)), real
    )


class Best:
    """Measures the average now and then, keeps the record in fid.csv and the best weights beside it."""

    def __init__(self, run: Run, distance: Callable[[Generator], float], every: int):
        self.run, self.distance, self.every = run, distance, every
        self.record = run.folder / "fid.csv"
        self.best = min((float(line.split(",")[2]) for line in self.lines()), default=float("inf"))

    def lines(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []

    def look(self) -> None:
        """Measure, unless this step was measured already."""
        lines, step = self.lines(), self.run.step
        if any(line.startswith(f"{step},") for line in lines):
            return
        found = self.distance(self.run.average)
        self.record.write_text("\n".join([*lines, f"{step},{self.run.seconds:.0f},{found:.5g}"]) + "\n")
        print(f"step {step}: {found:.5g}", flush=True)
        if found < self.best:
            self.best = found
            export(self.run.folder / "best.safetensors", self.run)


def export(path: Path, run: Run) -> None:
    weights.save(path, run.average, run.average.config, stage="adversarial", steps=run.step)


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    ablation = ABLATIONS.get(args.without, WHOLE)
    if args.export and ablation.network is not Generator:
        sys.exit(
            "Nothing was trained: weights without colour mapping are for comparisons. Leave --export out."
        )
    try:
        config = ablation(changed(PRESETS[args.preset], args.set))
        collection = open_collection(args.photos, args.layout)
        table = load_table(args.poses) if args.poses else None
        category = CATEGORIES[args.category]
        photos = from_collection(collection, category, 2 * config.size, table, args.limit)
    except (ValueError, FileNotFoundError) as problem:
        sys.exit(f"Nothing was trained: {problem}")
    args.device = parallel.start(args.device)
    torch.manual_seed(args.seed)
    folder = args.run or Path("runs") / f"gan-{args.category}"
    generator = build(args, config, ablation.network)
    anchor = Anchor(generator) if config.anchor else None
    if config.sphere_steps and not (args.resume and read_parts(folder)):
        error = pretrain(generator, config.sphere_steps, config.sphere_radius, config.batch)
        print(f"a sphere within {error:.4f} object units", flush=True)
    channels = 3 if photos.mask is None else 4
    critic = Discriminator(
        DiscriminatorConfig(config.size, channels, config.channel_base, config.channel_max)
    ).to(args.device)
    critic.half = generator.half
    critic_adam = adam(critic.parameters(), config.discriminator_rate, config)
    run = Run(
        folder,
        generator,
        adam(learning(generator, config.frozen), config.generator_rate, config),
        args.steps or config.steps,
        warm_up=config.rate_warm_up,
        first_rate=config.first_rate,
        final_rate=1.0,
        clip=config.clip,
        others={"critic": Learner(critic, critic_adam, config.clip)},
    )
    if args.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    game = Game(run, photos, category, config, args.seed, anchor)
    # Only one process measures.
    best = Best(run, judge(args, photos), args.fid_every) if args.fid and parallel.leads() else None

    def body(step: int) -> dict[str, float]:
        if best is not None and step % best.every == 0:
            best.look()
        return game.step(step)

    print(f"{len(photos)} pictures, {channels} channels", flush=True)
    run.iterate(body, args.minutes, lambda path: pictures.samples(path, run.average, photos, category))
    if best is not None:
        best.look()
    if args.export and parallel.leads():
        export(args.export, run)
    parallel.stop()


if __name__ == "__main__":
    main()
