"""The data-fit rung: the generator learns from photos by reconstructing them, tied to what it knew.

    python -m spir.train.autodecoder car --photos photos.tar --poses runs/poses-car.safetensors --steps 1500

Codes and poses of `spir.data.poses.bootstrap` are where it begins, and move along; --found writes them down, the next
rung's table. The losses are those of inversion (§3.3), but each photo has one w for all layers: what the
generator learns is then what random objects, which have one as well, are made of. The anchor holds the objects
of random z, so that the sides that no photo shows stay cars.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES, Category
from spir.data.collection import open_collection
from spir.data.poses.table import SCORES, PoseTable, load_table, save_table
from spir.data.training_set import TrainingSet, flipped, from_collection
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.geometry.pose import camera_from_pose, renormalise
from spir.inversion.losses import Prediction, Target, total_loss
from spir.inversion.perceptual import EncoderDistance
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train import pictures
from spir.train.autodecoder.distill_reg import Anchor
from spir.train.autodecoder.project_to_w import one_row
from spir.train.run import Learner, Run, learning
from spir.types import Code, Pose


@dataclass(frozen=True)
class FitConfig:
    """Every number of this stage."""

    size: int = 64
    samples: int = 12
    batch: int = 8
    rate: float = 5e-4
    """Of the generator."""
    code_rate: float = 3e-2
    """Of w, which has about unit variance."""
    pose_rate: float = 2e-3
    losses: tuple[tuple[str, float], ...] = (
        ("perceptual", 1.0),
        ("silhouette", 1.0),
        ("colour", 1.0),
        ("prior", 0.05),
    )
    """Entries of `spir.inversion.losses.LOSSES`; the prior ties w to the average object."""
    anchor: float = 0.5
    anchor_batch: int = 4
    anchor_points: int = 1024
    frozen: tuple[str, ...] = ("mapping_network", "alpha", "beta")


class Objects(nn.Module):
    """What is known of each photo: code and pose, as parameters."""

    def __init__(self, table: PoseTable, names: Sequence[str]):
        """The rows of these photos."""
        super().__init__()
        rows = [table.row(name) for name in names]
        pose = table.pose.map(lambda part: part[rows].clone())
        self.w = nn.Parameter(table.w[rows].clone())
        self.orthographic = pose.z0 is None
        self.z0 = nn.Parameter(torch.zeros(0) if pose.z0 is None else pose.z0)
        self.shift, self.scale = nn.Parameter(pose.shift), nn.Parameter(pose.scale)
        self.quaternion = nn.Parameter(pose.quaternion)

    def forward(self, index: Int[Tensor, " batch"]) -> tuple[Float[Tensor, "batch layers width"], Pose]:
        """Codes and valid poses of some photos."""
        z0 = None if self.orthographic else self.z0[index]
        pose = Pose(z0, self.shift[index], self.scale[index], self.quaternion[index])
        return self.w[index], renormalise(pose)

    @torch.no_grad()
    def written(self, table: PoseTable, names: Sequence[str]) -> PoseTable:
        """The rows of these photos, in their order, with the codes and poses of today."""
        rows = [table.row(name) for name in names]
        w, pose = self(torch.arange(len(rows), device=self.w.device))
        scores = {name: getattr(table, name)[rows] for name in SCORES}
        return PoseTable(tuple(names), pose.to("cpu"), w.cpu(), **scores)

    def groups(self, config: FitConfig) -> list[dict]:
        """For an optimiser: w and poses at rates of their own."""
        poses = [self.shift, self.scale, self.quaternion, *([] if self.orthographic else [self.z0])]
        return [{"params": [self.w], "lr": config.code_rate}, {"params": poses, "lr": config.pose_rate}]


@dataclass
class Fitting:
    """The generator, the photos' objects, and what they are compared with."""

    run: Run
    """Of the generator, with `objects` beside it."""
    photos: TrainingSet
    category: Category
    config: FitConfig
    look: EncoderDistance

    def __post_init__(self):
        self.generator: Generator = self.run.module
        self.objects = self.run.others["objects"]
        self.anchor = Anchor(self.generator)
        self.device = self.generator.alpha.device
        self.centre = self.generator.average_w().detach()

    def loss(self, index: Int[Tensor, " batch"], flip: Bool[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """The losses of inversion for some photos or, where `flip` says so, for their mirror images."""
        picture = self.photos.pictures(index, flip, self.category.background)
        picture = picture.to(self.device).permute(0, 2, 3, 1)
        rgb, mask = picture[..., :3], picture[..., 3]
        w, pose = self.objects.module(index.to(self.device))
        view = RenderConfig.of(self.category, size=self.config.size, samples=self.config.samples)
        camera = camera_from_pose(flipped(pose, flip.to(self.device)))
        seen = render(self.generator.field(Code(w)), camera, view)
        with torch.no_grad():
            theirs = self.look.features(rgb, mask)
        distance = lambda ours, alpha: self.look.distance(self.look.features(ours, alpha), theirs)  # noqa: E731
        goal = Target(rgb, mask, self.centre.expand_as(w), distance)
        return total_loss(Prediction(seen.rgb, seen.alpha, w), goal, self.config.losses)

    def step(self, step: int) -> dict[str, float]:
        """One update of the generator, the codes and the poses."""
        index = torch.randint(len(self.photos), (self.config.batch,))
        flip = torch.rand(self.config.batch) < 0.5 * self.category.symmetric
        fit = self.loss(index, flip).mean()
        z = torch.randn(self.config.anchor_batch, self.generator.config.z_dim, device=self.device)
        field = self.generator.field(self.generator.code(z))
        anchor = self.anchor(field, z, self.config.anchor_points)
        self.objects.optimiser.zero_grad(set_to_none=True)
        norm = self.run.update(fit + self.config.anchor * anchor)
        self.objects.apply(self.run.rate())
        return {"fit": float(fit.detach()), "anchor": float(anchor.detach()), "norm": norm}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m spir.train.autodecoder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("category", choices=sorted(CATEGORIES))
    add("--photos", type=Path, required=True)
    add("--poses", type=Path, required=True, help="table of spir.data.poses.bootstrap")
    add("--start", type=Path, help="generator (weights/CATEGORY/generator.safetensors)")
    add("--encoder", type=Path, help="whose features compare (weights/CATEGORY/encoder.safetensors)")
    add("--steps", type=int, default=1500)
    add("--minutes", type=float, help="stop this call after so many minutes; --resume goes on")
    add("--resume", action="store_true")
    add("--run", type=Path, help="folder of the run (runs/fit-CATEGORY)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--seed", type=int, default=0)
    add("--export", type=Path, help="write the averaged generator here when this call ends")
    add("--found", type=Path, help="write the table of the fitted codes and poses here when this call ends")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    config, category, shipped = FitConfig(), CATEGORIES[args.category], weights.WEIGHTS / args.category
    try:
        table = load_table(args.poses)
        photos = from_collection(open_collection(args.photos), category, config.size, table)
    except (ValueError, FileNotFoundError) as problem:
        sys.exit(f"Nothing was trained: {problem}")
    if photos.mask is None:
        sys.exit(f"Nothing was trained: {args.photos} has no masks, and only objects can be fitted.")
    generator = weights.load(args.start or shipped / "generator.safetensors", Generator, GeneratorConfig)[0]
    encoder = weights.load(args.encoder or shipped / "encoder.safetensors", Encoder, EncoderConfig)[0]
    generator.to(args.device).half = half_is_fast(args.device)
    table = replace(table, w=one_row(generator, table.w.to(args.device)).cpu())
    known = Objects(table, photos.names).to(args.device)
    trained = learning(generator, config.frozen)
    run = Run(
        args.run or Path("runs") / f"fit-{args.category}",
        generator,
        torch.optim.Adam(trained, lr=config.rate, betas=(0.9, 0.99), fused=True),
        args.steps,
        clip=1.0,
        # Without momentum, whoever is not in the batch stays where he is.
        others={"objects": Learner(known, torch.optim.Adam(known.groups(config), betas=(0.0, 0.99)))},
    )
    fitting = Fitting(run, photos, category, config, EncoderDistance(encoder.to(args.device)))
    if args.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    print(f"{len(photos)} photos", flush=True)
    run.iterate(
        fitting.step, args.minutes, lambda path: pictures.samples(path, run.average, photos, category)
    )
    if args.export:
        weights.save(args.export, run.average, generator.config, stage="fit", steps=run.step)
    if args.found:
        save_table(args.found, known.written(table, photos.names))


if __name__ == "__main__":
    main()
