"""Render a procedural category: `python -m spir.data car --sheet out.png [--seed 0] [--random N]`.

The picture has one column per body class (or per random object with --random), one row per view.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from spir.formulas import FORMULAS
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render

VIEWS_DEG = ((35.0, 12.0), (90.0, 4.0), (145.0, 12.0), (0.0, 8.0), (180.0, 8.0), (-40.0, 40.0))
"""(azimuth, elevation) of the rows."""


@torch.no_grad()
def sheet(category: str, z: Tensor, size: int) -> Image.Image:
    """Render every object of z from every view, as one picture; `size` is in pixels per object."""
    field = FORMULAS[category].field(z)
    count = len(VIEWS_DEG)
    azimuth, elevation = (torch.tensor(v).repeat(len(z)) for v in zip(*VIEWS_DEG, strict=True))
    like = torch.ones(count * len(z))
    camera = camera_from_pose(look_at_pose(azimuth, elevation, focal=3.0 * like, scale=0.95 * like))
    rgb = render(field, camera, RenderConfig(size=size, samples=12, grid=64, background=0.6)).rgb
    rows = rgb.unflatten(0, (len(z), count)).permute(1, 2, 0, 3, 4)
    pixels = ((rows.reshape(count * size, len(z) * size, 3) + 1) * 127.5).clamp(0, 255).byte()
    return Image.fromarray(pixels.numpy())


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("category", choices=sorted(FORMULAS))
    parser.add_argument("--sheet", type=Path, required=True, help="picture to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=144, help="pixels per car")
    parser.add_argument("--random", type=int, metavar="N", help="N random cars instead of one per class")
    args = parser.parse_args(argv)
    generator = torch.Generator().manual_seed(args.seed)
    procedural = FORMULAS[args.category]
    if args.random:
        z = torch.randn(args.random, procedural.z_dim, generator=generator)
    else:
        z = procedural.one_per_class(generator)
        print("columns:", ", ".join(procedural.classes))
    args.sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet(args.category, z, args.size).save(args.sheet)


if __name__ == "__main__":
    main()
