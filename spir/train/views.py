"""Stage 3a: a bank of renderings with everything known about them, for the encoder to learn from (§3.2).

    python -m spir.train.views car --objects 2000 --teacher procedural|generator [--out runs/views-car]

The bank stores attention instead of colours: §3.1 makes colour linear in it, so every picture can be
repainted with any palette while training. Shards of a few objects; a growing bank can be read meanwhile.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from spir import weights
from spir.data.cameras import bounding_corners, sample_poses
from spir.data.procedural import PROCEDURAL
from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Field

OBJECTS_PER_SHARD = 8
VIEW_SIZE = 128
"""Pixels: what the encoder sees; crops and turns blur it a little, as lenses do."""


@dataclass(frozen=True)
class Views:
    """Renderings with their labels, rows aligned."""

    z: Float[np.ndarray, "view z"]
    attention: np.ndarray
    """uint8 (view, size, size, values), 255 = 1, premultiplied by alpha."""
    nocs: np.ndarray
    """float16 (view, size, size, 3), premultiplied by alpha."""
    alpha: np.ndarray
    """uint8 (view, size, size)."""


@torch.no_grad()
def render_views(field: Field, z: Tensor, views: int, size: int) -> Views:
    """`views` pictures of each object of the field, from random poses that frame it."""
    corners = bounding_corners(field).repeat_interleave(views, dim=0)
    camera = camera_from_pose(sample_poses(len(corners), corners))
    seen = render(field, camera, RenderConfig(size=size, samples=5, attention=True, nocs=True))
    pack = lambda value: (value * 255 + 0.5).clamp(0, 255).byte().cpu().numpy()  # noqa: E731
    return Views(
        z.repeat_interleave(views, dim=0).cpu().numpy(),
        pack(seen.attention),
        seen.nocs.half().cpu().numpy(),
        pack(seen.alpha),
    )


def save_shard(folder: Path, views: Views) -> None:
    """Append a shard under a name of its own; readers never see half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns()}.npz"
    with open(path.with_suffix(".new"), "wb") as file:
        np.savez(file, **vars(views))
    path.with_suffix(".new").rename(path)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("category", choices=sorted(PROCEDURAL))
    parser.add_argument("--teacher", choices=("generator", "procedural"), default="generator")
    parser.add_argument("--generator", type=Path, help="weights (weights/CATEGORY/generator.safetensors)")
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--views", type=int, default=3, help="pictures per object")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="fuse the formulas: minutes to start, then several times faster",
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    procedural = PROCEDURAL[args.category]
    if args.compile:
        procedural.compile()
    if args.teacher == "generator":
        path = args.generator or Path("weights") / args.category / "generator.safetensors"
        generator = weights.load(path, Generator, GeneratorConfig)[0].to(args.device)
        generator.half = True
        generator.freeze()
    folder = args.out or Path("runs") / f"views-{args.category}"
    for start in range(0, args.objects, OBJECTS_PER_SHARD):
        z = torch.randn(OBJECTS_PER_SHARD, procedural.z_dim, device=args.device)
        with torch.no_grad():
            field = (
                procedural.field(z) if args.teacher == "procedural" else generator.field(generator.code(z))
            )
        save_shard(folder, render_views(field, z, args.views, VIEW_SIZE))
        print(f"{start + OBJECTS_PER_SHARD} objects of {args.objects}", flush=True)


if __name__ == "__main__":
    main()
