"""§3.1 "Unconditional generator pre-training": one step of the generator and of the discriminator.

Random numbers follow from seed, process and step alone, so a run that is resumed goes on bit for bit.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from spir.categories import Category
from spir.data.training_set import TrainingSet
from spir.generator.generator import Generator
from spir.generator.sdf import PlaneField
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train import parallel
from spir.train.autodecoder.distill_reg import DistillReg
from spir.train.gan import ada
from spir.train.gan.config import GanConfig
from spir.train.gan.discriminator import condition
from spir.train.gan.losses import discriminator_loss, generator_loss, r1
from spir.train.regularisers import (
    PathLength,
    eikonal,
    object_path_lengths,
    stratified_points,
    surface_entropy,
    total_variation,
)
from spir.train.run import TrainingRun
from spir.types import Field, Pose

SEED_STEP = 1_000_003
"""Seeds are multiplied by this, so that the steps and processes of one never meet those of the next."""


@dataclass
class GanTrainer:
    """Trains a generator against a discriminator on one training set."""

    run: TrainingRun[Generator]
    """The run of the generator, with the discriminator among its `others`."""
    photos: TrainingSet
    category: Category
    config: GanConfig
    seed: int = 0
    distill_reg: DistillReg | None = None

    def __post_init__(self):
        self.generator = self.run.module
        self.discriminator = self.run.others["discriminator"]
        self.device = self.generator.alpha.device
        self.path_length = PathLength(self.config.path_decay)
        self.blur_width = self.config.blur * self.config.size / 128
        fresh = {"ada": 0.0, "sign": 0.0, "path": 0.0}
        self.run.scalars = fresh | self.run.scalars

    def sample_fake(self) -> tuple[Tensor, PlaneField, Float[Tensor, "batch channel size size"], Pose]:
        """z, field, pictures and cameras of new objects, rendered from the cameras of real pictures."""
        z = torch.randn(self.config.batch, self.generator.config.z_dim, device=self.device)
        index = torch.randint(len(self.photos), (self.config.batch,))
        pose = self.photos.poses(index, self.flip_mask())
        pose = ada.transform_pose(pose, self.sample_transform()).to(self.device)
        field = self.generator.field(self.generator.code(z))
        picture = render_fake(field, pose, self.config, self.category, self.photos.mask is not None)
        return z, field, picture, pose

    def sample_real(self, step: int) -> tuple[Float[Tensor, "batch channel size size"], Pose]:
        """The next pictures of this epoch and their cameras, augmented, at the discriminator's size."""
        first = (step * parallel.world() + parallel.rank()) * self.config.batch
        index = epoch_indices(len(self.photos), first, self.config.batch, self.seed)
        picture, pose = self.photos.draw(index, self.flip_mask(), self.category.background)
        transform = self.sample_transform()
        picture, pose = picture.to(self.device), ada.transform_pose(pose, transform).to(self.device)
        if self.run.scalars["ada"]:
            picture = ada.transform_images(picture, transform.to(self.device))
        picture = F.interpolate(picture, (self.config.size, self.config.size), mode="area")
        return blur(picture, self.blur_width * (1 - self.config.ramp(step))), pose

    def flip_mask(self) -> Bool[Tensor, " batch"]:
        """Which pictures of a batch are mirrored: half of them, where the category is symmetric."""
        probability = 0.5 if self.category.symmetric else 0.0
        return torch.rand(self.config.batch) < probability

    def sample_transform(self) -> ada.SimilarityTransform:
        """The augmentation of a batch, on the CPU."""
        return ada.sample_transform(self.config.batch, self.run.scalars["ada"], self.config.ada)

    def step(self, step: int) -> dict[str, float]:
        """Update the generator, then the discriminator. Returns the numbers to log."""
        torch.manual_seed((self.seed * SEED_STEP + step) * parallel.world() + parallel.rank())
        return self.update_generator(step) | self.update_discriminator(step) | dict(self.run.scalars)

    def update_generator(self, step: int) -> dict[str, float]:
        """One step of the generator on the adversarial loss and its regularisers. Returns the loss terms."""
        config, discriminator = self.config, self.discriminator.module
        discriminator.requires_grad_(False)
        z, field, picture, pose = self.sample_fake()
        terms = {"g": generator_loss(discriminator(picture, condition(pose)))}
        loss = terms["g"]
        if step % config.grid_every == 0:
            terms |= self.field_regularisers(field)
            ramp = config.ramp(step)
            loss = loss + config.grid_every * (
                config.eikonal * terms["eikonal"]
                + ramp * config.variation * terms["variation"]
                + ramp * config.entropy * terms["entropy"]
            )
        if config.path and step % config.path_every == 0:
            terms["path_penalty"] = self.path_penalty(z[: config.path_batch])
            share = min(1.0, step / config.path_ramp) if config.path_ramp else 1.0
            loss = loss + config.path_every * share * config.path * terms["path_penalty"]
        if self.distill_reg is not None:
            terms["distill_reg"] = self.distill_reg(field, z, config.distill_reg_points)
            loss = loss + config.distill_reg * terms["distill_reg"]
        self.run.ema_decay = config.ema_decay(step, config.batch * parallel.world())
        norm = self.run.update(loss)
        self.generator.clamp_density()
        return {name: float(value.detach()) for name, value in terms.items()} | {"g_norm": norm}

    def field_regularisers(self, field: PlaneField) -> dict[str, Tensor]:
        """The eikonal, total variation and entropy terms at random points all over the cube."""
        reach = field.scene_range
        points = stratified_points(len(field.planes), self.config.grid, reach, self.device)
        sdf, slope = field.slope(points)
        displaced = field.sdf(points + reach * self.config.variation_step * torch.randn_like(points))
        density = self.generator.density
        return {
            "eikonal": eikonal(slope),
            "variation": total_variation(density, sdf, displaced),
            "entropy": surface_entropy(density, sdf),
        }

    def path_penalty(self, z: Tensor) -> Tensor:
        """The path length penalty; its running mean is one of the run's scalars, so that it is resumed."""
        lengths = object_path_lengths(self.generator, z)
        if self.run.scalars["path"]:
            self.path_length.mean = lengths.new_tensor(self.run.scalars["path"])
        penalty = self.path_length(lengths)
        assert self.path_length.mean is not None
        self.run.scalars["path"] = parallel.mean_over_processes(float(self.path_length.mean), self.device)
        return penalty

    def update_discriminator(self, step: int) -> dict[str, float]:
        """One step of the discriminator on its loss and R1. Returns the loss terms."""
        config, discriminator = self.config, self.discriminator.module
        discriminator.requires_grad_(True)
        with torch.no_grad():
            *_, fake, fake_pose = self.sample_fake()
        picture, pose = self.sample_real(step)
        terms = {}
        if config.r1 and step % config.r1_every == 0:
            real, terms["r1"] = r1(lambda shown: discriminator(shown, condition(pose)), picture)
        else:
            real = discriminator(picture, condition(pose))
        terms["d"] = discriminator_loss(real, discriminator(fake, condition(fake_pose)))
        loss = terms["d"] + config.r1_every * config.r1 / 2 * terms.get("r1", 0.0)
        norm = self.discriminator.update(loss, self.run.rate())
        self.update_augmentation(step, float(real.detach().sign().mean()))
        return {name: float(value.detach()) for name, value in terms.items()} | {"d_norm": norm}

    def update_augmentation(self, step: int, sign: float) -> None:
        """ADA: augment more while the discriminator overfits, as the mean sign of its logits of reals
        tells."""
        scalars, config = self.run.scalars, self.config.ada
        scalars["sign"] += (parallel.mean_over_processes(sign, self.device) - scalars["sign"]) / config.every
        if step >= config.start_step and (step + 1) % config.every == 0:
            batch = self.config.batch * parallel.world()
            scalars["ada"] = config.next_probability(scalars["ada"], scalars["sign"], batch)


def render_fake(
    field: Field, pose: Pose, config: GanConfig, category: Category, mask: bool
) -> Float[Tensor, "batch channel size size"]:
    """The pictures of a field as the discriminator sees them: colour, and the mask where real pictures have
    one."""
    view = RenderConfig.of(category, size=config.size, samples=config.samples)
    seen = render(field, camera_from_pose(pose), view)
    channels = torch.cat((seen.rgb, seen.alpha[..., None]), -1) if mask else seen.rgb
    return channels.permute(0, 3, 1, 2)


def epoch_indices(count: int, first: int, batch: int, seed: int) -> Int[Tensor, " batch"]:
    """Indices number `first` on of an endless sequence in which every epoch is a permutation of `count` of
    its own."""
    position = torch.arange(first, first + batch)
    indices = torch.empty_like(position)
    for epoch in (position // count).unique().tolist():
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * SEED_STEP + epoch))
        now = position // count == epoch
        indices[now] = order[position[now] % count]
    return indices


def blur(
    picture: Float[Tensor, "batch channel size size"], width: float
) -> Float[Tensor, "batch channel size size"]:
    """Pictures convolved by 2^-(x / width)^2 in both directions (width in pixels); widths below 0.3 change
    nothing.

    Blurred reals make details come late in the training."""
    if width < 0.3:
        return picture
    reach = min(int(3 * width), picture.shape[-1] - 1)
    taps = 2 ** -((torch.arange(-reach, reach + 1, device=picture.device) / width) ** 2)
    taps = (taps / taps.sum()).expand(picture.shape[1], 1, 1, -1)
    picture = F.pad(picture, (reach,) * 4, mode="replicate")
    picture = F.conv2d(picture, taps, groups=picture.shape[1])
    return F.conv2d(picture, taps.transpose(2, 3), groups=picture.shape[1])
