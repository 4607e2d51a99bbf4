"""§3.1 "Unconditional generator pre-training", one step of the game: generator against discriminator.

Random numbers follow from seed, process and step alone, so a run that is resumed goes on bit for bit.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from spir.categories import Category
from spir.data.training_set import TrainingSet
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train import parallel
from spir.train.autodecoder.distill_reg import Anchor
from spir.train.gan import ada
from spir.train.gan.config import GanConfig
from spir.train.gan.discriminator import condition
from spir.train.gan.losses import discriminator_loss, generator_loss, r1
from spir.train.regularisers import (
    PathLength,
    eikonal,
    path_lengths,
    stratified_points,
    surface_entropy,
    total_variation,
)
from spir.train.run import Run
from spir.types import Code, Field, Pose

SEED_STEP = 1_000_003
"""Steps and processes of one seed never meet those of the next."""


@dataclass
class Game:
    """Generator against discriminator over one training set."""

    run: Run
    """Of the generator, with the discriminator as `critic` beside it."""
    photos: TrainingSet
    category: Category
    config: GanConfig
    seed: int = 0
    anchor: Anchor | None = None

    def __post_init__(self):
        self.generator: Generator = self.run.module
        self.critic = self.run.others["critic"]
        self.device = self.generator.alpha.device
        self.path = PathLength(self.config.path_decay)
        self.blur_width = self.config.blur * self.config.size / 128
        fresh = {"ada": 0.0, "sign": 0.0, "path": 0.0}
        self.run.numbers = fresh | self.run.numbers

    # What both players see

    def fakes(self) -> tuple[Tensor, Field, Float[Tensor, "batch channel size size"], Pose]:
        """z, field, pictures and cameras of new objects, photographed as the real ones were."""
        z = torch.randn(self.config.batch, self.generator.config.z_dim, device=self.device)
        index = torch.randint(len(self.photos), (self.config.batch,))
        pose = self.photos.poses(index, self.coin())
        pose = ada.move_pose(pose, self.moves()).to(self.device)
        field = self.generator.field(self.generator.code(z))
        picture = photograph(field, pose, self.config, self.category, self.photos.mask is not None)
        return z, field, picture, pose

    def reals(self, step: int) -> tuple[Float[Tensor, "batch channel size size"], Pose]:
        """The next pictures of this epoch, augmented, at the discriminator's size."""
        first = (step * parallel.world() + parallel.rank()) * self.config.batch
        index = epoch_rows(len(self.photos), first, self.config.batch, self.seed)
        picture, pose = self.photos.draw(index, self.coin(), self.category.background)
        move = self.moves()
        picture, pose = picture.to(self.device), ada.move_pose(pose, move).to(self.device)
        if self.run.numbers["ada"]:
            picture = ada.move_pictures(picture, move.to(self.device))
        picture = F.interpolate(picture, (self.config.size, self.config.size), mode="area")
        return blurred(picture, self.blur_width * (1 - self.config.ramp(step))), pose

    def coin(self) -> Tensor:
        """Which pictures are mirrored."""
        chance = 0.5 if self.category.symmetric else 0.0
        return torch.rand(self.config.batch) < chance

    def moves(self) -> ada.Move:
        """How this batch is augmented, on the CPU."""
        return ada.draw(self.config.batch, self.run.numbers["ada"], self.config.ada)

    # The two moves

    def step(self, step: int) -> dict[str, float]:
        """One update of each; numbers to log."""
        torch.manual_seed((self.seed * SEED_STEP + step) * parallel.world() + parallel.rank())
        return self.move_generator(step) | self.move_discriminator(step) | dict(self.run.numbers)

    def move_generator(self, step: int) -> dict[str, float]:
        config, critic = self.config, self.critic.module
        critic.requires_grad_(False)
        z, field, picture, pose = self.fakes()
        terms = {"g": generator_loss(critic(picture, condition(pose)))}
        loss = terms["g"]
        if step % config.grid_every == 0:
            terms |= self.space_terms(field)
            ramp = config.ramp(step)
            loss = loss + config.grid_every * (
                config.eikonal * terms["eikonal"]
                + ramp * config.variation * terms["variation"]
                + ramp * config.entropy * terms["entropy"]
            )
        if config.path and step % config.path_every == 0:
            terms["path_penalty"] = self.path_term(z[: config.path_batch])
            share = min(1.0, step / config.path_ramp) if config.path_ramp else 1.0
            loss = loss + config.path_every * share * config.path * terms["path_penalty"]
        if self.anchor is not None:
            terms["anchor"] = self.anchor(field, z, config.anchor_points)
            loss = loss + config.anchor * terms["anchor"]
        self.run.ema_decay = config.ema_decay(step, config.batch * parallel.world())
        norm = self.run.update(loss)
        self.generator.clamp_density()
        return {name: float(value.detach()) for name, value in terms.items()} | {"g_norm": norm}

    def space_terms(self, field: Field) -> dict[str, Tensor]:
        """Eikonal, total variation and entropy at random points all over the cube."""
        reach = field.scene_range
        points = stratified_points(len(field.planes), self.config.grid, reach, self.device)
        sdf, slope = field.slope(points)
        moved = field.sdf(points + reach * self.config.variation_step * torch.randn_like(points))
        density = self.generator.density
        return {
            "eikonal": eikonal(slope),
            "variation": total_variation(density, sdf, moved),
            "entropy": surface_entropy(density, sdf),
        }

    def path_term(self, z: Tensor) -> Tensor:
        """The path length penalty; the running mean is the run's, so that it is resumed."""
        w = self.generator.w_plus(self.generator.code(z)).detach().clone().requires_grad_()
        lengths = path_lengths(self.generator.planes(Code(w)), self.generator.palette(Code(w)), w)
        if self.run.numbers["path"]:
            self.path.mean = lengths.new_tensor(self.run.numbers["path"])
        penalty = self.path(lengths)
        self.run.numbers["path"] = parallel.mean_over_processes(float(self.path.mean), self.device)
        return penalty

    def move_discriminator(self, step: int) -> dict[str, float]:
        config, critic = self.config, self.critic.module
        critic.requires_grad_(True)
        with torch.no_grad():
            *_, fake, fake_pose = self.fakes()
        picture, pose = self.reals(step)
        terms = {}
        if step % config.r1_every == 0:
            real, terms["r1"] = r1(lambda shown: critic(shown, condition(pose)), picture)
        else:
            real = critic(picture, condition(pose))
        terms["d"] = discriminator_loss(real, critic(fake, condition(fake_pose)))
        loss = terms["d"] + config.r1_every * config.r1 / 2 * terms.get("r1", 0.0)
        norm = self.critic.update(loss, self.run.rate())
        self.adapt(step, float(real.detach().sign().mean()))
        return {name: float(value.detach()) for name, value in terms.items()} | {"d_norm": norm}

    def adapt(self, step: int, sign: float) -> None:
        """ADA: augment more while the discriminator knows the real pictures by heart."""
        numbers, config = self.run.numbers, self.config.ada
        numbers["sign"] += (parallel.mean_over_processes(sign, self.device) - numbers["sign"]) / config.every
        if step >= config.first and (step + 1) % config.every == 0:
            batch = self.config.batch * parallel.world()
            numbers["ada"] = config.moved(numbers["ada"], numbers["sign"], batch)


def photograph(
    field: Field, pose: Pose, config: GanConfig, category: Category, mask: bool
) -> Float[Tensor, "batch channel size size"]:
    """The pictures of a field as the discriminator sees them: colour, and the mask where reals have one."""
    view = RenderConfig.of(category, size=config.size, samples=config.samples)
    seen = render(field, camera_from_pose(pose), view)
    channels = torch.cat((seen.rgb, seen.alpha[..., None]), -1) if mask else seen.rgb
    return channels.permute(0, 3, 1, 2)


def epoch_rows(count: int, first: int, batch: int, seed: int) -> Int[Tensor, " batch"]:
    """Rows number `first` on of an endless sequence in which every epoch is a permutation of `count` of its own."""
    place = torch.arange(first, first + batch)
    rows = torch.empty_like(place)
    for epoch in (place // count).unique().tolist():
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * SEED_STEP + epoch))
        now = place // count == epoch
        rows[now] = order[place[now] % count]
    return rows


def blurred(
    picture: Float[Tensor, "batch channel size size"], width: float
) -> Float[Tensor, "batch channel size size"]:
    """Convolved by 2^-(x / width)^2 in both directions: details come late in the training."""
    if width < 0.3:
        return picture
    reach = min(int(3 * width), picture.shape[-1] - 1)
    taps = 2 ** -((torch.arange(-reach, reach + 1, device=picture.device) / width) ** 2)
    taps = (taps / taps.sum()).expand(picture.shape[1], 1, 1, -1)
    picture = F.pad(picture, (reach,) * 4, mode="replicate")
    picture = F.conv2d(picture, taps, groups=picture.shape[1])
    return F.conv2d(picture, taps.transpose(2, 3), groups=picture.shape[1])
