"""§3.3, speed at the paper's size: the cost of ten steps with its full networks, compared with the published procedure.

    python -m spir.evaluate.paper.bench [--steps 10] [--published-steps 2]

The networks have random weights, which affect neither time nor memory. Both procedures run in one process; times are CPU
seconds of all threads together. "Published" omits what the authors' code wastes (gradients of the target, monitors).
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir.bootstrap import encoder as encoders
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES
from spir.evaluate.items import peak_rss_mb
from spir.evaluate.reports.tables import number, table
from spir.generator import PAPER, Generator, GeneratorConfig
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.inversion.config import HYBRID_FAST, InversionConfig, published
from spir.inversion.descent import Descent
from spir.inversion.variables import gradient
from spir.pipeline import Reconstructor
from spir.rendering.renderer import render
from spir.types import Code, Cutout, Guess, Outcome
from spir.weights import Models

CATEGORY = "p3d_car"
BALL, LUMPS = 0.5, 0.05
"""The random object: its radius, and how far the planes dent it, both as fractions of the cube's half side."""
BETA = 0.02
AZIMUTH_DEG, ELEVATION_DEG, FOCAL, SCALE = 30.0, 10.0, 1.5, 1.0
OFF_DEG = 6.0
"""The angle in degrees by which the first guess is rotated away from the truth."""


@dataclass(frozen=True)
class Cost:
    """The time and memory of one step, and of all of them."""

    step_core_seconds: float
    total_seconds: float
    peak_mb: float


def networks(sizes: GeneratorConfig = PAPER, encoder: EncoderConfig = encoders.PAPER) -> Models:
    """Return the paper's generator and encoder with random weights, with an object in the middle of the cube."""
    torch.manual_seed(0)
    generator = Generator(replace(sizes, scene_range=1.0)).eval()
    with torch.no_grad():
        generator.decoder.last.weight[0] *= LUMPS
        generator.decoder.get_parameter("net.2.bias")[0] = -BALL * LUMPS
        generator.beta.fill_(BETA)
    seeing = Encoder(encoder).eval().requires_grad_(False)
    return Models(generator.requires_grad_(False), seeing, CATEGORIES[CATEGORY], "random")


def subject(reconstructor: Reconstructor, seed: int = 1) -> tuple[Cutout, Guess]:
    """Return a picture of one code, and a guess that is another code seen from a few degrees aside."""
    draws = torch.Generator().manual_seed(seed)
    generator = reconstructor.generator
    true, near = (generator.code(torch.randn(1, generator.config.z_dim, generator=draws)) for _ in range(2))
    poses = [
        look_at_pose(
            torch.tensor([AZIMUTH_DEG + off]),
            torch.tensor([ELEVATION_DEG]),
            focal=torch.tensor([FOCAL]),
            scale=torch.tensor([SCALE]),
        )
        for off in (0.0, OFF_DEG)
    ]
    with torch.no_grad():
        seen = render(generator.field(true), camera_from_pose(poses[0]), reconstructor.render_config(128))
    blank = torch.zeros_like(seen.rgb)
    return (
        Cutout(seen.rgb, seen.alpha, torch.tensor([[0.0, 0.0, 128.0, 128.0]])),
        Guess(blank, seen.alpha, Code(near.w), poses[1], torch.zeros(1), (Outcome.SOLVED,)),
    )


def timed(reconstructor: Reconstructor, cut: Cutout, first: Guess, config: InversionConfig) -> Cost:
    """Measure the steps; the first picture, which is no step, counts only in the total."""
    began, clocks = time.perf_counter(), []
    for _ in reconstructor.invert(cut, first, config):
        clocks.append(time.process_time())
    spent = (clocks[-1] - clocks[0]) / config.steps
    return Cost(spent, time.perf_counter() - began, peak_rss_mb())


def slope(
    reconstructor: Reconstructor, cut: Cutout, first: Guess, config: InversionConfig
) -> Float[Tensor, " numbers"]:
    """Return the gradient with respect to every row of w at the first step."""
    descent = Descent(
        cut, first, reconstructor.generator, reconstructor.category, config, reconstructor.perceptual
    )
    descent.evaluate(0)
    descent.step()
    variables, gains = descent.variables, descent.variables.gains
    rows, palette = gradient(variables.rows) / gains.rows, gradient(variables.palette) / gains.palette
    return torch.cat((rows.flatten(), palette.flatten()))


def bench(steps: int, published_steps: int) -> str:
    """Return the table."""
    engine = Reconstructor(networks(), "cpu", loss="encoder")
    cut, first = subject(engine)
    ours = timed(engine, cut, first, replace(HYBRID_FAST, steps=steps))
    fast, plain = (
        slope(engine, cut, first, replace(HYBRID_FAST, renderer=name)) for name in ("fast", "reference")
    )
    engine.generator.half = False
    theirs = timed(engine, cut, first, published(published_steps))
    rows = [
        (
            name,
            str(n),
            number(cost.step_core_seconds, 2),
            number(cost.total_seconds, 1),
            number(cost.peak_mb, 0),
        )
        for name, n, cost in (("ours", steps, ours), ("published", published_steps, theirs))
    ]
    parameters = [
        sum(p.numel() for p in network.parameters()) for network in (engine.generator, engine.encoder)
    ]
    return "\n\n".join(
        (
            f"Generator {parameters[0]:,}, encoder {parameters[1]:,} parameters, {torch.get_num_threads()} threads, "
            f"{'bfloat16' if engine.half else 'float32'}; distance: {engine.loss_backend}.",
            table(("", "steps", "core seconds a step", "seconds in all", "peak MB so far"), rows),
            f"A step of ours costs {ours.step_core_seconds / theirs.step_core_seconds:.3f} of a published one. Direction "
            f"of the first gradient, placed against plain samples: cosine {F.cosine_similarity(fast, plain, 0):.4f}.",
        )
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m spir.evaluate.paper.bench", description="Time and memory at the paper's size."
    )
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--published-steps", type=int, default=2)
    args = parser.parse_args(argv)
    if min(args.steps, args.published_steps) < 1:
        parser.error("both need at least one step")
    print(bench(args.steps, args.published_steps))


if __name__ == "__main__":
    main()
