"""Stage 3c, §3.2 "Training and inference": the encoder learns NOCS, mask and w from a dataset of renderings.

    python -m spir.train.encoder car --steps 12000 [--backgrounds scenes.tar] [--resume] [--minutes 60]

The dataset (`spir.train.encoder.views`) may still be growing. Every picture is repainted with a new palette,
which is a new w as well, and degraded to a real cut-out (`spir.train.encoder.augment`).
"""

import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from tyro.conf import Positional

from spir import weights
from spir.bootstrap.encoder import COMPACT, PRETRAINED, Encoder, EncoderConfig, EncoderOutput
from spir.bootstrap.pyramid import EfficientNetPyramid
from spir.data.procedural.cameras import FOCAL_GUESSES
from spir.formulas import FORMULAS
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.train import previews
from spir.train.encoder.augment import AugmentedView, augment, load_backgrounds, smooth_noise
from spir.train.encoder.render_dataset import RenderDataset
from spir.train.options import FormulaName, RunOptions, parse
from spir.train.provenance import provenance
from spir.train.run import TrainingRun
from spir.types import Code

MODULE = "spir.train.encoder"
CONFIGS = {config.trunk: config for config in (COMPACT, PRETRAINED)}
"""The encoders that can be trained, by their trunks."""


@dataclass(frozen=True)
class EncoderTrainingConfig:
    """Every number of this stage."""

    batch: int = 16
    rate: float = 4e-4
    weight_decay: float = 0.01
    coordinate_weight: float = 1.0
    mask_weight: float = 0.2
    latent_weight: float = 2.0
    """Weight of the error of w, relative to the variance of w over objects."""
    front_weight: float = 0.5
    """Weight of the squared error of the front's direction."""
    object_weight: float = 5.0
    """Weight of the difference that w makes to the object, see `object_difference`."""
    object_batch: int = 6
    repaint: float = 0.8
    """This share of the pictures gets a new palette."""
    strange: float = 0.4
    """This share of the pictures gets parts, lamps above all, in unusual colours, see
    `random_part_colours`."""
    reload_every: int = 400
    """New shards of the dataset are read every so many steps."""


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The command line."""

    category: Positional[FormulaName]
    trunk: Literal["segformer", "efficientnet-lite0"] = "segformer"
    """Trunk of the encoder; efficientnet-lite0 begins with the weights of ImageNet."""
    generator: Path | None = None
    """Weights whose mapping gives w (weights/CATEGORY/generator.safetensors)."""
    views: Path | None = None
    """Folder of the renderings (runs/views-CATEGORY)."""
    also: tuple[str, ...] = ()
    """FOLDER=SHARE ...: further renderings, of meshes or photos, and their shares of a batch."""
    backgrounds: Path | None = None
    """Tar of scenes behind imperfect cut-outs."""
    objects: bool = False
    """Also compare objects; wants a distilled generator."""
    steps: int = 12_000
    batch: int = EncoderTrainingConfig.batch
    rate: float = EncoderTrainingConfig.rate
    """Learning rate."""
    start: Path | None = None
    """Begin from these encoder weights."""


def losses(
    out: EncoderOutput, sample: AugmentedView, w: Tensor, variance: Tensor, own: Tensor
) -> dict[str, Tensor]:
    """§3.2: the losses of coordinates where the object is, of the mask, and of w.

    Maps are compared at the encoder's own resolution. w (batch, width) counts relative to its `variance`
    (width), and only where `own` (batch) says that the picture shows the object of w in its own colours."""
    side = out.mask.shape[1]
    truth = sample.truth[:, None]
    small = F.adaptive_avg_pool2d(truth, side)
    nocs = F.adaptive_avg_pool2d(sample.nocs.permute(0, 3, 1, 2) * truth, side) / small.clamp(min=1e-3)
    miss = (out.nocs.permute(0, 3, 1, 2) - nocs).norm(dim=1)
    solid = (small[:, 0] > 0.5).float()
    terms = {
        "nocs": (miss * solid).sum() / solid.sum().clamp(min=1),
        "mask": F.binary_cross_entropy_with_logits(out.mask_logits, small[:, 0].clamp(0, 1)),
        "w": (own[:, None] * (out.w[:, 0] - w).square() / variance).mean()
        / own.float().mean().clamp(min=1e-6),
    }
    if out.front is not None:
        front, certain = front_of_map(nocs.permute(0, 2, 3, 1), solid)
        terms["front"] = (certain * (out.front - front).square().sum(1)).mean()
    return terms


def front_of_map(
    nocs: Float[Tensor, "batch side side 3"], solid: Float[Tensor, "batch side side"]
) -> tuple[Float[Tensor, "batch 2"], Float[Tensor, " batch"]]:
    """Where the front of the object points, as `spir.geometry.rotation.front_direction` has it, read off a map of object
    coordinates; and 1 where the map tells it, else 0.

    Least squares give the orthographic camera that maps the coordinates to their pixels."""
    batch, side = solid.shape[:2]
    place = torch.linspace(-1, 1, side, device=nocs.device)
    right, up = place.expand(batch, side, side), -place[:, None].expand(batch, side, side)
    weight = solid.flatten(1)[..., None]
    known = torch.cat((nocs, torch.ones_like(nocs[..., :1])), -1).flatten(1, 2)
    goal = torch.stack((right, up), -1).flatten(1, 2)
    ridge = torch.diag(nocs.new_tensor([1e-2, 1e-2, 1e-2, 1e-6])) * weight.sum(1).clamp(min=1)[..., None]
    square = (known * weight).transpose(1, 2) @ known + ridge
    camera = torch.linalg.solve(square, (known * weight).transpose(1, 2) @ goal)[:, :3]
    across, upwards = F.normalize(camera, dim=1).unbind(2)
    towards = torch.linalg.cross(across, upwards, dim=1)
    front = torch.stack((across[:, 2], towards[:, 2]), 1)
    length = front.norm(dim=1)
    certain = (length > 0.5) & (weight.sum((1, 2)) > 20)
    return front / length.clamp(min=1e-3)[:, None], certain.float()


def object_difference(generator: Generator, w: Tensor, truth: Tensor, points: int = 384) -> Tensor:
    """How far the objects of two codes (batch, width) differ: in distance near the surface, and in their
    colours.

    Most directions of w change little that can be seen; this weighs those that do."""
    with torch.no_grad():
        goal = generator.field(Code(truth[:, None]))
        place = (2 * torch.rand(len(w), points, 3, device=w.device) - 1) * 0.95 * goal.scene_range
        wanted = goal(place)
    found = generator.field(Code(w[:, None]))
    seen = found(place)
    near = torch.exp(-wanted.sdf.abs() / 0.1)
    distance = (near * (seen.sdf - wanted.sdf).abs()).sum() / near.sum()
    return distance + 0.1 * (found.palette - goal.palette).abs().mean()


def new_encoder(options: Options) -> Encoder:
    """An encoder with the trunk of the options, begun from their weights, from those of ImageNet or anew."""
    encoder = Encoder(CONFIGS[options.trunk])
    if options.start:
        encoder.load_state_dict(weights.load(options.start, Encoder, EncoderConfig)[0].state_dict())
    elif isinstance(encoder.backbone, EfficientNetPyramid):
        encoder.backbone.load_imagenet()
    return encoder.to(options.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def folder_share(text: str) -> tuple[Path, float]:
    """Read "runs/views-meshes=0.2" as (folder, 0.2). Raises ValueError for any other form."""
    folder, _, share = text.rpartition("=")
    if not folder or not 0 < float(share) < 1:
        raise ValueError(f"{text!r} is not FOLDER=SHARE with a share between 0 and 1")
    return Path(folder), float(share)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where there are no renderings."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    config = EncoderTrainingConfig(batch=options.batch, rate=options.rate)
    procedural = FORMULAS[options.category]
    path = options.generator or weights.WEIGHTS / options.category / "generator.safetensors"
    generator = weights.load(path, Generator, GeneratorConfig)[0]
    views = options.views or Path("runs") / f"views-{options.category}"
    try:
        also = dict(map(folder_share, options.also))
    except ValueError as problem:
        sys.exit(f"Nothing was trained: {problem}")
    # Batches are drawn on the CPU.
    mapping = copy.deepcopy(generator.mapping_network)
    dataset = RenderDataset({views: 1.0 - sum(also.values()), **also}, procedural, mapping)
    generator.to(options.device).half = half_is_fast(options.device)
    generator.freeze()
    if options.backgrounds:
        backgrounds = load_backgrounds(options.backgrounds, dataset.size)
    else:
        backgrounds = smooth_noise(256, 3, dataset.size, 8).sigmoid()
    backgrounds = backgrounds.to(options.device)
    variance = generator.mapping(torch.randn(4096, procedural.z_dim, device=options.device)).var(dim=0)
    encoder = new_encoder(options)
    optimiser = torch.optim.AdamW(
        encoder.parameters(),
        lr=config.rate,
        betas=(0.9, 0.99),
        weight_decay=config.weight_decay,
        fused=True,
    )
    folder = options.run or Path("runs") / f"encoder-{options.category}"
    run = TrainingRun(folder, encoder, optimiser, options.steps, warm_up=500, clip=1.0)
    if options.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")

    @torch.no_grad()
    def draw() -> tuple[Tensor, Tensor, AugmentedView]:
        """w, whether the picture shows its object, and augmented pictures of a fresh batch."""
        drawn = dataset.sample(config.batch, config.repaint, config.strange).to(options.device)
        # The augmentation draws its random numbers on the default device.
        with torch.device(options.device):
            return drawn.w, drawn.own, augment(drawn.rgb, drawn.nocs, drawn.alpha, backgrounds)

    def body(step: int) -> dict[str, float]:
        if step % config.reload_every == 0:
            dataset.reload()
        w, own, sample = draw()
        encoder.train()
        out = encoder(sample.rgb, sample.mask, half=generator.half)
        terms = losses(out, sample, w, variance, own)
        some = own.nonzero()[: config.object_batch, 0]
        if options.objects and len(some):
            terms["object"] = object_difference(generator, out.w[some, 0], w[some])
        loss = (
            config.object_weight * terms.get("object", 0.0)
            + config.coordinate_weight * terms["nocs"]
            + config.mask_weight * terms["mask"]
            + config.latent_weight * terms["w"]
            + config.front_weight * terms.get("front", 0.0)
        )
        norm = run.update(loss)
        return {k: float(v.detach()) for k, v in terms.items()} | {"norm": norm, "views": len(dataset)}

    run.iterate(body, options.minutes, lambda path: previews.bootstrap(path, run.ema, draw()[2][:12]))
    if options.export:
        weights.save(
            options.export,
            run.ema,
            encoder.config,
            stage="bootstrap",
            steps=run.step,
            focal_guesses=FOCAL_GUESSES,
            provenance=provenance(MODULE, argv, options, config),
        )


if __name__ == "__main__":
    main()
