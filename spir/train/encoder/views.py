"""Stage 3a: a bank of renderings with everything known about them, for the encoder to learn from (§3.2).

    python -m spir.train.encoder.views car --objects 2000 --teacher procedural|generator [--out runs/views-car]
    python -m spir.train.encoder.views car --teacher meshes --meshes DIR --views 60 [--out runs/views-meshes]
    python -m spir.train.encoder.views car --teacher photos --photos photos.tar --poses poses.safetensors

The bank stores attention instead of colours: §3.1 makes colour linear in it, so every picture can be
repainted with any palette while training. Shards of a few objects; a growing bank can be read meanwhile.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from spir import weights
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.table import load_table
from spir.data.procedural.cameras import bounding_corners, sample_poses
from spir.formulas import FORMULAS
from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train.encoder import mesh_views, photo_views
from spir.train.encoder.shards import Views, save_shard, to_bytes, to_half
from spir.types import Field

OBJECTS_PER_SHARD = 8
VIEW_SIZE = 128
"""Pixels: what the encoder sees; crops and turns blur it a little, as lenses do."""


@torch.no_grad()
def render_views(field: Field, z: Tensor, views: int, size: int) -> Views:
    """`views` pictures of each object of the field, from random poses that frame it."""
    corners = bounding_corners(field).repeat_interleave(views, dim=0)
    camera = camera_from_pose(sample_poses(len(corners), corners))
    seen = render(field, camera, RenderConfig(size=size, samples=5, attention=True, nocs=True))
    return Views(
        z.repeat_interleave(views, dim=0).cpu().numpy(),
        to_bytes(seen.attention),
        to_half(seen.nocs),
        to_bytes(seen.alpha),
    )


def fill_from_meshes(folder: Path, meshes: Path, views: int, z_dim: int) -> None:
    """A shard of `views` pictures for each car of the table `mesh_views.TRAINING_CARS`."""
    for done, (file, rule) in enumerate(mesh_views.TRAINING_CARS, start=1):
        car = mesh_views.training_car(meshes, file, rule)
        save_shard(folder, mesh_views.car_views(car, views, VIEW_SIZE, z_dim))
        print(f"{done} meshes of {len(mesh_views.TRAINING_CARS)}: {file.name}", flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("category", choices=sorted(FORMULAS))
    parser.add_argument(
        "--teacher", choices=("generator", "procedural", "meshes", "photos"), default="generator"
    )
    parser.add_argument("--generator", type=Path, help="weights (weights/CATEGORY/generator.safetensors)")
    parser.add_argument("--meshes", type=Path, metavar="DIR", help="folder of the meshes, for that teacher")
    parser.add_argument("--photos", type=Path, help="collection of photos, for that teacher")
    parser.add_argument("--poses", type=Path, help="their table of spir.data.poses.bootstrap")
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--views", type=int, default=3, help="pictures per object or mesh")
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
    procedural = FORMULAS[args.category]
    if args.teacher == "meshes":
        if not (args.meshes and args.meshes.is_dir()):
            parser.error("--teacher meshes needs --meshes DIR, a folder")
        fill_from_meshes(args.out or Path("runs") / "views-meshes", args.meshes, args.views, procedural.z_dim)
        return
    if args.compile:
        procedural.compile()
    if args.teacher in ("generator", "photos"):
        path = args.generator or Path("weights") / args.category / "generator.safetensors"
        generator = weights.load(path, Generator, GeneratorConfig)[0].to(args.device)
        generator.half = True
        generator.freeze()
    if args.teacher == "photos":
        if not (args.photos and args.poses):
            parser.error("--teacher photos needs --photos and --poses")
        photos, table = open_collection(args.photos), load_table(args.poses)
        views = photo_views.photo_views(photos, table, generator, CATEGORIES[args.category], VIEW_SIZE)
        for shard in views:
            save_shard(args.out or Path("runs") / "views-photos", shard)
        return
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
