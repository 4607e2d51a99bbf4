"""Pictures of chairs, planes and birds for the small segmenter, of which there are no photos: meshes,
repainted.

python -m spir.train.segmenter.objects --meshes DIR --out runs/segmenter-objects.npz --views 12
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from jaxtyping import UInt8
from tqdm import tqdm

from spir.data.meshes.read import MeshError, MeshFile, PaintedMesh, box_corners, read_mesh
from spir.data.meshes.render import random_light, render_mesh
from spir.data.procedural.cameras import sample_poses
from spir.data.procedural.synthetic_shapes import BUILDERS, synthetic_shape
from spir.geometry.pose import camera_from_pose
from spir.photo.segmenters.onnx import KINDS
from spir.train.options import parse

MODULE = "spir.train.segmenter.objects"
PICTURE = 160
"""Side of the pictures, pixels."""
CHAIRS = (
    *(f"kenney_car_kit/{name}.glb" for name in (
        "chair", "chair-armrest", "chair-armrest-headrest", "chair-cushion", "chair-cushion-headrest", "chair-desk",
        "chair-headrest", "chair-modern-cushion", "chair-modern-frame-cushion", "chair-rounded", "desk-chair",
        "desk-chair-arms", "desk-chair-stool", "gaming-chair", "lounge-chair", "lounge-chair-relax",
        "lounge-design-chair")),
    *(f"quaternius_glb/Furniture_Pack_{name}.glb" for name in (
        "March_2019__Chair", "March_2019__OfficeChair", "March_2019__Sofa_individual", "March_2019__Sofa",
        "Oct_2017__Chair", "Oct_2017__ChairCushioned", "Oct_2017__ChairHandle", "Oct_2017__Sofa")),
)  # fmt: skip
PLANES = (
    *(f"quaternius_glb/Airplane_pack_Jan_2017__{name}.glb" for name in (
        "Commercial_Airplane", "MilitaryAirplane2", "Military_Airplane", "Private_plane", "SmallPlane")),
    "kenney_car_kit/airplane.glb",
    "sketchbook/airplane.glb",
)  # fmt: skip
BIRDS = ("quaternius_glb/Animals_Pack_Oct_2016__bird.glb",)
OBJECTS = {"chair": CHAIRS, "plane": PLANES, "bird": BIRDS}
"""Meshes of each kind, relative to the folder of meshes."""
WOODS = ((0.35, 0.2, 0.1), (0.6, 0.4, 0.2), (0.75, 0.55, 0.35), (0.1, 0.08, 0.07), (0.9, 0.88, 0.85))


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    meshes: Path
    """Folder of the meshes."""
    out: Path
    """File to write, .npz."""
    views: int = 12
    """Views of each mesh; rare kinds get as many in all."""
    shapes: Annotated[int, tyro.conf.arg(aliases=["--toys"])] = 500
    """Synthetic shapes of each kind, one view each."""
    seed: int = 0
    """Seed of the random numbers."""


def repaint(mesh: PaintedMesh, random: np.random.Generator) -> PaintedMesh:
    """The mesh with every colour exchanged for another, of wood, cloth or feather; a quarter keep their
    own."""
    if random.random() < 0.25:
        return mesh
    # Pieces are distinguished by the colour that the file gives them, or by their place in its texture.
    key = torch.cat(((mesh.colours.mean(1) * 20).round(), (mesh.uv.mean(1) * 16).floor()), 1)
    groups = torch.unique(key, dim=0, return_inverse=True)[1]
    base = random.random(3) if random.random() < 0.5 else np.array(WOODS[random.integers(len(WOODS))])
    table = base + random.normal(0, random.choice((0.02, 0.25)), (int(groups.max()) + 1, 3))
    colours = torch.from_numpy(table.clip(0.03, 0.97) * 2 - 1).float()[groups]
    bare = torch.full_like(mesh.texture, -1)
    return replace(mesh, colours=colours[:, None].expand(-1, 3, -1), texture=bare, textures=())


def render_objects(
    options: Options, random: np.random.Generator
) -> Iterator[tuple[UInt8[np.ndarray, "size size 4"], str]]:
    """Yield pictures with their kinds: every mesh of the folder from a few sides, then synthetic shapes."""
    for kind, paths in OBJECTS.items():
        for path in paths:
            try:
                mesh = read_mesh(options.meshes, MeshFile(path))
            except MeshError as problem:
                print(f"left out: {problem}", file=sys.stderr)
                continue
            # Rare kinds get as many views in all.
            for _ in range(options.views * max(1, round(8 / len(paths)))):
                yield render_random_view(repaint(mesh, random), random), kind
    for kind in BUILDERS:
        for _ in range(options.shapes):
            yield render_random_view(synthetic_shape(kind, random), random), kind


def render_random_view(mesh: PaintedMesh, random: np.random.Generator) -> UInt8[np.ndarray, "size size 4"]:
    """A picture of the mesh from a random pose in random light, with its silhouette as alpha."""
    light = random_light(torch.Generator().manual_seed(int(random.integers(2**31))))
    picture = render_mesh(mesh, camera_from_pose(sample_poses(1, box_corners(mesh))), PICTURE, light)
    rgba = torch.cat(((picture.rgb[0] + 1) / 2, picture.alpha[0, ..., None]), -1)
    return (rgba.clamp(0, 1) * 255).round().byte().numpy()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parse(Options, MODULE, __doc__, argv)
    torch.manual_seed(options.seed)
    pictures = render_objects(options, np.random.default_rng(options.seed))
    rgba, kinds = zip(*tqdm(pictures, mininterval=5), strict=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        options.out, rgba=np.stack(rgba), kind=np.array([KINDS.index(kind) for kind in kinds])
    )
    print(f"{len(kinds)} pictures in {options.out}")


if __name__ == "__main__":
    main()
