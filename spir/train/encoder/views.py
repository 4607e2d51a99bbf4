"""Stage 3a: renderings with everything known about them, which the encoder is trained on (§3.2).

    python -m spir.train.encoder.views car --objects 2000 --teacher procedural [--out runs/views-car]
    python -m spir.train.encoder.views car --teacher meshes --meshes DIR --views 60 [--out runs/views-meshes]
    python -m spir.train.encoder.views car --teacher photos --photos photos.tar --poses poses.safetensors

The shards store attention instead of colours: §3.1 makes colour linear in it, so every picture can be
repainted with any palette while training. A shard holds a few objects, and a growing folder can be read
meanwhile.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from tyro.conf import Positional

from spir import weights
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.table import load_table
from spir.data.procedural.cameras import bounding_corners, sample_poses
from spir.formulas import FORMULAS
from spir.generator.generator import Generator, GeneratorConfig
from spir.generator.precision import half_is_fast
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.train.encoder import mesh_views, photo_views
from spir.train.encoder.shards import Views, save_shard, to_bytes, to_half
from spir.train.options import DEVICE, FormulaName, parse
from spir.types import Field

MODULE = "spir.train.encoder.views"
OBJECTS_PER_SHARD = 8
VIEW_SIZE = 128
"""Side of the views, pixels, as the encoder sees them; crops and rotations blur them a little, as lenses
do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    category: Positional[FormulaName]
    teacher: Literal["generator", "procedural", "meshes", "photos"] = "generator"
    """Where the objects come from."""
    generator: Path | None = None
    """Weights (weights/CATEGORY/generator.safetensors)."""
    meshes: Path | None = None
    """Folder of the meshes, for that teacher."""
    photos: Path | None = None
    """Collection of photos, for that teacher."""
    poses: Path | None = None
    """Table of spir.data.poses, for the photos."""
    objects: int = 2000
    """Random objects to render."""
    views: int = 3
    """Pictures per object or mesh."""
    out: Path | None = None
    """Folder to write shards to (runs/views-CATEGORY, -meshes or -photos)."""
    seed: int = 0
    """Seed of the random numbers."""
    compile: bool = False
    """Fuse the formulas: minutes to start, then several times faster."""
    device: str = DEVICE
    """PyTorch device that renders."""


@torch.no_grad()
def render_views(field: Field, z: Tensor, views: int, size: int) -> Views:
    """Render `views` pictures, `size` pixels wide, of each object of the field, from random poses that frame
    it."""
    corners = bounding_corners(field).repeat_interleave(views, dim=0)
    camera = camera_from_pose(sample_poses(len(corners), corners))
    seen = render(field, camera, RenderConfig(size=size, samples=5, attention=True, nocs=True))
    assert seen.attention is not None and seen.nocs is not None
    return Views(
        z.repeat_interleave(views, dim=0).cpu().numpy(),
        to_bytes(seen.attention),
        to_half(seen.nocs),
        to_bytes(seen.alpha),
    )


def render_meshes(folder: Path, meshes: Path, views: int, z_dim: int) -> None:
    """Write a shard of `views` pictures for each car of the table `mesh_views.TRAINING_CARS`."""
    for done, (file, rule) in enumerate(mesh_views.TRAINING_CARS, start=1):
        car = mesh_views.training_car(meshes, file, rule)
        save_shard(folder, mesh_views.car_views(car, views, VIEW_SIZE, z_dim))
        print(f"{done} meshes of {len(mesh_views.TRAINING_CARS)}: {file.name}", flush=True)


def render_objects(folder: Path, options: Options, field_of: Callable[[Tensor], Field], z_dim: int) -> None:
    """Write shards of views of random objects, whose fields `field_of` makes from z."""
    for start in range(0, options.objects, OBJECTS_PER_SHARD):
        z = torch.randn(OBJECTS_PER_SHARD, z_dim, device=options.device)
        with torch.no_grad():
            field = field_of(z)
        save_shard(folder, render_views(field, z, options.views, VIEW_SIZE))
        print(f"{start + OBJECTS_PER_SHARD} objects of {options.objects}", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with the reason where the teacher lacks its files."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    procedural = FORMULAS[options.category]
    z_dim = procedural.z_dim
    if options.teacher == "meshes":
        if not (options.meshes and options.meshes.is_dir()):
            sys.exit("--teacher meshes needs --meshes DIR, a folder")
        folder = options.out or Path("runs") / "views-meshes"
        return render_meshes(folder, options.meshes, options.views, z_dim)
    if options.compile:
        procedural.compile()
    folder = options.out or Path("runs") / f"views-{options.category}"
    if options.teacher == "procedural":
        return render_objects(folder, options, procedural.field, z_dim)
    path = options.generator or weights.WEIGHTS / options.category / "generator.safetensors"
    generator = weights.load(path, Generator, GeneratorConfig)[0].to(options.device)
    generator.half = half_is_fast(options.device)
    generator.freeze()
    if options.teacher == "generator":
        return render_objects(folder, options, lambda z: generator.field(generator.code(z)), z_dim)
    if not (options.photos and options.poses):
        sys.exit("--teacher photos needs --photos and --poses")
    photos, table = open_collection(options.photos), load_table(options.poses)
    views = photo_views.photo_views(photos, table, generator, CATEGORIES[options.category], VIEW_SIZE)
    for shard in views:
        save_shard(options.out or Path("runs") / "views-photos", shard)


if __name__ == "__main__":
    main()
