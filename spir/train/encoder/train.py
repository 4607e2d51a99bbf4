"""Stage 3c, §3.2 "Training and inference": the encoder learns NOCS, mask and w from a bank of renderings.

    python -m spir.train.encoder car --steps 12000 [--backgrounds scenes.tar] [--resume] [--minutes 60]

The bank (spir.train.encoder.views) may still be growing. Every picture is repainted with a fresh palette, which
is a fresh w as well, and made as bad as a real cut-out (spir.train.encoder.augment).
"""

import argparse
import copy
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from spir import weights
from spir.bootstrap.encoder import COMPACT, Encoder, EncoderConfig, EncoderOutput
from spir.data.procedural.cameras import FOCAL_GUESSES
from spir.formulas import FORMULAS
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.train import pictures
from spir.train.encoder.augment import Sample, augment, clouds, load_backgrounds
from spir.train.encoder.render_dataset import Bank
from spir.train.run import Run
from spir.types import Code


@dataclass(frozen=True)
class EncoderTraining:
    """Every number of this stage."""

    batch: int = 16
    rate: float = 4e-4
    weight_decay: float = 0.01
    coordinate_weight: float = 1.0
    mask_weight: float = 0.2
    latent_weight: float = 2.0
    """The error of w counts relative to the variance of w over objects."""
    object_weight: float = 5.0
    """Of the difference that w makes to the object, see `object_difference`."""
    object_batch: int = 6
    repaint: float = 0.8
    """Share of pictures that get materials of their own."""
    strange: float = 0.4
    """Share of pictures whose parts, lamps above all, lost their usual colours, see `strange_palette`."""
    reload_every: int = 400
    """Steps between looks for new shards of the bank."""


def losses(out: EncoderOutput, sample: Sample, w: Tensor, variance: Tensor, own: Tensor) -> dict[str, Tensor]:
    """§3.2: coordinates where the object is, the mask, w; maps are compared at the encoder's own resolution.

    `own` (batch): w is compared only where the picture shows what w knows of."""
    side = out.mask.shape[1]
    truth = sample.truth[:, None]
    small = F.adaptive_avg_pool2d(truth, side)
    nocs = F.adaptive_avg_pool2d(sample.nocs.permute(0, 3, 1, 2) * truth, side) / small.clamp(min=1e-3)
    miss = (out.nocs.permute(0, 3, 1, 2) - nocs).norm(dim=1)
    solid = (small[:, 0] > 0.5).float()
    return {
        "nocs": (miss * solid).sum() / solid.sum().clamp(min=1),
        "mask": F.binary_cross_entropy_with_logits(out.mask_logits, small[:, 0].clamp(0, 1)),
        "w": (own[:, None] * (out.w[:, 0] - w).square() / variance).mean()
        / own.float().mean().clamp(min=1e-6),
    }


def object_difference(generator: Generator, w: Tensor, truth: Tensor, points: int = 384) -> Tensor:
    """What matters of w: how far the generator's object moves, in distance near it, and in its colours.

    w and truth (batch, width). Most directions of w change little that can be seen; this finds the others."""
    with torch.no_grad():
        goal = generator.field(Code(truth[:, None]))
        place = (2 * torch.rand(len(w), points, 3, device=w.device) - 1) * 0.95 * goal.scene_range
        wanted = goal(place)
    found = generator.field(Code(w[:, None]))
    seen = found(place)
    near = torch.exp(-wanted.sdf.abs() / 0.1)
    distance = (near * (seen.sdf - wanted.sdf).abs()).sum() / near.sum()
    return distance + 0.1 * (found.palette - goal.palette).abs().mean()


def folder_share(text: str) -> tuple[Path, float]:
    """ "runs/views-meshes=0.2" -> (folder, 0.2)."""
    folder, _, share = text.rpartition("=")
    if not folder or not 0 < float(share) < 1:
        raise ValueError(text)
    return Path(folder), float(share)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("category", choices=sorted(FORMULAS))
    parser.add_argument("--generator", type=Path, help="weights whose mapping gives w")
    parser.add_argument("--views", type=Path, help="folder of the bank (runs/views-CATEGORY)")
    parser.add_argument(
        "--also",
        type=folder_share,
        nargs="+",
        default=[],
        metavar="FOLDER=SHARE",
        help="further banks, of meshes or photos, and their shares of a batch",
    )
    parser.add_argument("--backgrounds", type=Path, help="tar of scenes behind imperfect cut-outs")
    parser.add_argument(
        "--objects", action="store_true", help="also compare objects; wants a distilled generator"
    )
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--batch", type=int, default=EncoderTraining.batch)
    parser.add_argument("--rate", type=float, default=EncoderTraining.rate)
    parser.add_argument(
        "--minutes", type=float, help="stop this call after so many minutes; --resume goes on"
    )
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", type=Path, help="begin from these encoder weights")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path, help="write the averaged weights here when this call ends")
    args = parser.parse_args(argv)

    torch.manual_seed(args.seed)
    config, procedural = EncoderTraining(batch=args.batch, rate=args.rate), FORMULAS[args.category]
    generator, _, _ = weights.load(
        args.generator or Path("weights") / args.category / "generator.safetensors",
        Generator,
        GeneratorConfig,
    )
    views = args.views or Path("runs") / f"views-{args.category}"
    shares = {views: 1.0 - sum(share for _, share in args.also), **dict(args.also)}
    # Batches are drawn on the CPU.
    bank = Bank(shares, procedural, copy.deepcopy(generator.mapping_network))
    generator.to(args.device).half = half_is_fast(args.device)
    generator.freeze()
    if args.backgrounds:
        backgrounds = load_backgrounds(args.backgrounds, bank.size)
    else:
        backgrounds = clouds(256, 3, bank.size, 8).sigmoid()
    backgrounds = backgrounds.to(args.device)
    variance = generator.mapping(torch.randn(4096, procedural.z_dim, device=args.device)).var(dim=0)
    encoder = Encoder(COMPACT).to(args.device, memory_format=torch.channels_last)
    if args.start:
        encoder.load_state_dict(weights.load(args.start, Encoder, EncoderConfig)[0].state_dict())
    optimiser = torch.optim.AdamW(
        encoder.parameters(),
        lr=config.rate,
        betas=(0.9, 0.99),
        weight_decay=config.weight_decay,
        fused=True,
    )
    run = Run(
        args.run or Path("runs") / f"encoder-{args.category}",
        encoder,
        optimiser,
        args.steps,
        warm_up=500,
        clip=1.0,
    )
    if args.resume and not run.resume():
        print(f"nothing to resume in {run.folder}: starting anew")

    @torch.no_grad()
    def draw() -> tuple[Tensor, Tensor, Sample]:
        """w, whether it is what is seen, and augmented pictures of a fresh batch; random numbers are drawn on
        the device as well."""
        drawn = bank.draw(config.batch, config.repaint, config.strange).to(args.device)
        with torch.device(args.device):
            return drawn.w, drawn.own, augment(drawn.rgb, drawn.nocs, drawn.alpha, backgrounds)

    def body(step: int) -> dict[str, float]:
        if step % config.reload_every == 0:
            bank.reload()
        w, own, sample = draw()
        encoder.train()
        out = encoder(sample.rgb, sample.mask, half=generator.half)
        terms = losses(out, sample, w, variance, own)
        some = own.nonzero()[: config.object_batch, 0]
        if args.objects and len(some):
            terms["object"] = object_difference(generator, out.w[some, 0], w[some])
        loss = (
            config.object_weight * terms.get("object", 0.0)
            + config.coordinate_weight * terms["nocs"]
            + config.mask_weight * terms["mask"]
            + config.latent_weight * terms["w"]
        )
        norm = run.update(loss)
        return {k: float(v.detach()) for k, v in terms.items()} | {"norm": norm, "views": len(bank)}

    run.iterate(body, args.minutes, lambda path: pictures.bootstrap(path, run.average, draw()[2][:12]))
    if args.export:
        note = {
            "stage": "bootstrap",
            "steps": run.step,
            "training": asdict(config),
            "focal_guesses": FOCAL_GUESSES,
        }
        weights.save(args.export, run.average, COMPACT, **note)


if __name__ == "__main__":
    main()
