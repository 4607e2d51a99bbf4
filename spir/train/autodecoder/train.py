"""The autodecoder: the generator learns from photos by reconstructing them, held near what it knew.

    python -m spir.train.autodecoder car --photos photos.tar --poses runs/poses-car.safetensors --steps 1500

Codes and poses begin as `spir.data.poses.bootstrap` found them and are trained along; --found writes their
table, for the next stage. The losses are those of inversion (§3.3), but each photo has one w for all layers:
what the generator learns is then what random objects, which have one as well, are made of. The distillation
regulariser holds the objects of random z, so that the sides that no photo shows stay cars.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from tyro.conf import Positional

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES, Category
from spir.data.collection import open_collection
from spir.data.poses.table import SCORES, PoseTable, load_table, save_table
from spir.data.training_set import TrainingSet, flip_pose, from_collection
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.geometry.pose import camera_from_pose, renormalise
from spir.inversion.losses import Prediction, Target, total_loss
from spir.inversion.perceptual import Perceptual, choose_perceptual
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train import previews
from spir.train.autodecoder.distill_reg import DistillReg
from spir.train.autodecoder.project_to_w import project_to_w
from spir.train.options import CategoryName, RunOptions, parse
from spir.train.provenance import provenance
from spir.train.regularisers import PathLength, object_path_lengths
from spir.train.run import TrainingRun, TrainState, trainable_parameters
from spir.types import Code, Pose

MODULE = "spir.train.autodecoder"


@dataclass(frozen=True)
class AutodecoderConfig:
    """Every number of this stage."""

    size: int = 128
    samples: int = 8
    grid: int = 32
    """Voxels along the side of the grid that places the samples, and steps through it."""
    batch: int = 4
    rate: float = 1e-3
    """Learning rate of the generator."""
    code_rate: float = 4e-2
    """Learning rate of w, which has about unit variance."""
    pose_rate: float = 2e-3
    losses: tuple[tuple[str, float], ...] = (
        ("perceptual", 2.0),
        ("silhouette", 1.0),
        ("colour", 1.0),
        ("latent_reg", 0.05),
    )
    """Entries of `spir.inversion.losses.LOSSES`, with their weights."""
    distill_reg: float = 0.5
    distill_reg_batch: int = 2
    distill_reg_points: int = 1024
    path: float = 1e-3
    """Weight of path length regularisation, which keeps the space of w even."""
    path_every: int = 8
    path_batch: int = 2
    path_decay: float = 0.15
    frozen: tuple[str, ...] = ("mapping_network", "alpha", "beta")


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The command line."""

    category: Positional[CategoryName]
    photos: Path
    """Collection of photos with masks."""
    poses: Path
    """Table of spir.data.poses."""
    start: Path | None = None
    """Generator (weights/CATEGORY/generator.safetensors)."""
    planes: int | None = None
    """Enlarge the generator's planes to this side first; they begin as they were, upsampled."""
    sharpen: float = 1.0
    """Multiply the logits of the colour attention by this first, so that parts have crisper borders."""
    encoder: Path | None = None
    """Encoder whose features compare where --loss is encoder (weights/CATEGORY/encoder.safetensors)."""
    loss: Literal["auto", "lpips", "imagenet", "encoder"] = "auto"
    """The perceptual distance."""
    size: int = AutodecoderConfig.size
    """Side of the pictures that are compared, pixels."""
    batch: int = AutodecoderConfig.batch
    rate: float = AutodecoderConfig.rate
    """Learning rate of the generator."""
    steps: int = 1500
    found: Path | None = None
    """Write the table of the fitted codes and poses here when this call ends."""


class PhotoLatents(nn.Module):
    """The latents of an autodecoder: code and pose of each photo, as parameters."""

    def __init__(self, table: PoseTable, names: Sequence[str]):
        """Begin with the rows of these photos in the table."""
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
    def to_table(self, table: PoseTable, names: Sequence[str]) -> PoseTable:
        """The table's rows of these photos, in their order, with the trained codes and poses."""
        rows = [table.row(name) for name in names]
        w, pose = self(torch.arange(len(rows), device=self.w.device))
        scores = {name: getattr(table, name)[rows] for name in SCORES}
        return PoseTable(tuple(names), pose.to("cpu"), w.cpu(), **scores)

    def optimiser(self, config: AutodecoderConfig) -> torch.optim.Adam:
        """An optimiser in which w and poses have learning rates of their own, and which moves nothing of photos outside the
        batch.

        Without momentum these stay. The squares are averaged over two steps only: with a longer memory they would fade
        while a photo waits for hundreds of steps, and its next one would be ten times too long."""
        poses = [self.shift, self.scale, self.quaternion, *([] if self.orthographic else [self.z0])]
        groups = [{"params": [self.w], "lr": config.code_rate}, {"params": poses, "lr": config.pose_rate}]
        return torch.optim.Adam(groups, betas=(0.0, 0.5))


@dataclass
class AutodecoderTrainer:
    """Trains the generator together with the code and the pose of every photo."""

    run: TrainingRun[Generator]
    """The run of the generator, with the `PhotoLatents` as "objects" among its `others`."""
    photos: TrainingSet
    category: Category
    config: AutodecoderConfig
    perceptual: Perceptual

    def __post_init__(self):
        self.generator = self.run.module
        self.latents = self.run.others["objects"]
        self.distill_reg = DistillReg(self.generator)
        self.device = self.generator.alpha.device
        self.centre = self.generator.average_w().detach()
        self.path_length = PathLength(self.config.path_decay)

    def loss(self, index: Int[Tensor, " batch"], flip: Bool[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """The losses of inversion for some photos or, where `flip` says so, for their mirror images."""
        picture = self.photos.pictures(index, flip, self.category.background)
        picture = picture.to(self.device).permute(0, 2, 3, 1)
        rgb, mask = picture[..., :3], picture[..., 3]
        w, pose = self.latents.module(index.to(self.device))
        config = self.config
        view = RenderConfig.of(
            self.category, size=config.size, samples=config.samples, grid=config.grid, march=config.grid
        )
        camera = camera_from_pose(flip_pose(pose, flip.to(self.device)))
        seen = render(self.generator.field(Code(w)), camera, view)
        with torch.no_grad():
            target = self.perceptual.features(rgb, mask)
        features, compare = self.perceptual.features, self.perceptual.distance
        distance = lambda ours, alpha: compare(features(ours, alpha), target)  # noqa: E731
        goal = Target(rgb, mask, self.centre.expand_as(w), distance)
        return total_loss(Prediction(seen.rgb, seen.alpha, w), goal, config.losses)

    def path_penalty(self, z: Float[Tensor, "batch z_dim"]) -> Float[Tensor, ""]:
        """The path length penalty of random objects; its running mean is one of the run's scalars, so that it is resumed."""
        scalars = self.run.scalars
        if "path" in scalars:
            self.path_length.mean = z.new_tensor(scalars["path"])
        penalty = self.path_length(object_path_lengths(self.generator, z))
        assert self.path_length.mean is not None
        scalars["path"] = float(self.path_length.mean)
        return penalty

    def step(self, step: int) -> dict[str, float]:
        """Update the generator, the codes and the poses once. Returns the numbers to log."""
        index = torch.randint(len(self.photos), (self.config.batch,))
        flip = torch.rand(self.config.batch) < 0.5 * self.category.symmetric
        fit = self.loss(index, flip).mean()
        z = torch.randn(self.config.distill_reg_batch, self.generator.config.z_dim, device=self.device)
        field = self.generator.field(self.generator.code(z))
        distill_reg = self.distill_reg(field, z, self.config.distill_reg_points)
        loss = fit + self.config.distill_reg * distill_reg
        terms = {"fit": fit, "distill_reg": distill_reg}
        if step % self.config.path_every == 0:
            terms["path_penalty"] = self.path_penalty(z[: self.config.path_batch])
            loss = loss + self.config.path_every * self.config.path * terms["path_penalty"]
        self.latents.optimiser.zero_grad(set_to_none=True)
        norm = self.run.update(loss)
        self.latents.apply_gradients(self.run.rate())
        return {name: float(value.detach()) for name, value in terms.items()} | {"norm": norm}


@torch.no_grad()
def enlarged(generator: Generator, planes: int) -> Generator:
    """The same generator with larger planes: new blocks add nothing yet to the upsampled planes.

    Raises ValueError for planes that are smaller, or whose side is not a power of two."""
    if planes < generator.config.plane_resolution:
        raise ValueError(
            f"the planes are {generator.config.plane_resolution} pixels wide already, not {planes}"
        )
    larger = Generator(replace(generator.config, plane_resolution=planes))
    for name, parameter in larger.named_parameters():
        if name.startswith("synthesis_network") and ".torgb." in name and "affine" not in name:
            parameter.zero_()
    missing, _ = larger.load_state_dict(generator.state_dict(), strict=False)
    assert all(name.startswith("synthesis_network.b") for name in missing)
    return larger


@torch.no_grad()
def sharpen_attention(generator: Generator, factor: float) -> None:
    """Multiply the logits of the attention, in place: borders of parts become `factor` times as narrow.

    Attention that was taught to be right on average is soft wherever a border is not known to a voxel."""
    for parameter in generator.decoder.last.parameters():
        parameter[1:] *= factor


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where the photos cannot be fitted."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    config = AutodecoderConfig(size=options.size, batch=options.batch, rate=options.rate)
    category = CATEGORIES[options.category]
    shipped = weights.WEIGHTS / options.category
    try:
        table = load_table(options.poses)
        photos = from_collection(open_collection(options.photos), category, config.size, table)
    except (ValueError, FileNotFoundError) as problem:
        sys.exit(f"Nothing was trained: {problem}")
    if photos.mask is None:
        sys.exit(f"Nothing was trained: {options.photos} has no masks, and only objects can be fitted.")
    start = options.start or shipped / "generator.safetensors"
    generator = weights.load(start, Generator, GeneratorConfig)[0]
    if options.planes:
        generator = enlarged(generator, options.planes)
    sharpen_attention(generator, options.sharpen)
    encoder = weights.load(options.encoder or shipped / "encoder.safetensors", Encoder, EncoderConfig)[0]
    perceptual = choose_perceptual(encoder.to(options.device), options.device, options.loss, scale=1.0)
    generator.to(options.device).half = half_is_fast(options.device)
    table = replace(table, w=project_to_w(generator, table.w.to(options.device)).cpu())
    latents = PhotoLatents(table, photos.names).to(options.device)
    trained = trainable_parameters(generator, config.frozen)
    run = TrainingRun(
        options.run or Path("runs") / f"fit-{options.category}",
        generator,
        torch.optim.Adam(trained, lr=config.rate, betas=(0.9, 0.99), fused=True),
        options.steps,
        clip=1.0,
        others={"objects": TrainState(latents, latents.optimiser(config))},
    )
    trainer = AutodecoderTrainer(run, photos, category, config, perceptual)
    if options.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")
    print(f"{len(photos)} photos", flush=True)
    run.iterate(trainer.step, options.minutes, lambda path: previews.samples(path, run.ema, photos, category))
    if options.export:
        record = provenance(MODULE, argv, options, config)
        weights.save(
            options.export, run.ema, generator.config, stage="fit", steps=run.step, provenance=record
        )
    if options.found:
        save_table(options.found, latents.to_table(table, photos.names))


if __name__ == "__main__":
    main()
