"""Pictures of chairs, planes and birds for the small segmenter, of which there are no photos: meshes, repainted.

python -m spir.train.segmenter.objects --meshes DIR --out runs/segmenter-objects.npz --views 12
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from tqdm import tqdm

from spir.data.meshes.photograph import photograph, random_light
from spir.data.meshes.read import MeshError, MeshFile, PaintedMesh, box_corners, read_mesh
from spir.data.procedural.cameras import sample_poses
from spir.data.procedural.synthetic_shapes import MAKERS, toy
from spir.geometry.pose import camera_from_pose
from spir.photo.finding import KINDS

PICTURE = 160
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
"""Relative to the folder of meshes."""
WOODS = ((0.35, 0.2, 0.1), (0.6, 0.4, 0.2), (0.75, 0.55, 0.35), (0.1, 0.08, 0.07), (0.9, 0.88, 0.85))


def painted(mesh: PaintedMesh, random: np.random.Generator) -> PaintedMesh:
    """Every colour of the mesh exchanged for another, of wood, cloth or feather; now and then it keeps its own."""
    if random.random() < 0.25:
        return mesh
    # Pieces are told apart by the colour that the file gives them, or by their place in its texture.
    key = torch.cat(((mesh.colours.mean(1) * 20).round(), (mesh.uv.mean(1) * 16).floor()), 1)
    groups = torch.unique(key, dim=0, return_inverse=True)[1]
    base = random.random(3) if random.random() < 0.5 else np.array(WOODS[random.integers(len(WOODS))])
    table = base + random.normal(0, random.choice((0.02, 0.25)), (int(groups.max()) + 1, 3))
    colours = torch.from_numpy(table.clip(0.03, 0.97) * 2 - 1).float()[groups]
    bare = torch.full_like(mesh.texture, -1)
    return replace(mesh, colours=colours[:, None].expand(-1, 3, -1), texture=bare, textures=())


def pictures(
    args: argparse.Namespace, random: np.random.Generator
) -> Iterator[tuple[UInt8[np.ndarray, "size size 4"], str]]:
    """Every object from a few sides: the meshes of the folder, then new toys."""
    for kind, paths in OBJECTS.items():
        for path in paths:
            try:
                mesh = read_mesh(args.meshes, MeshFile(path))
            except MeshError as problem:
                print(f"left out: {problem}", file=sys.stderr)
                continue
            # Of rare kinds as many in all.
            for _ in range(args.views * max(1, round(8 / len(paths)))):
                yield seen(painted(mesh, random), random), kind
    for kind in MAKERS:
        for _ in range(args.toys):
            yield seen(toy(kind, random), random), kind


def seen(mesh: PaintedMesh, random: np.random.Generator) -> UInt8[np.ndarray, "size size 4"]:
    """A mesh from somewhere in some light, alone."""
    light = random_light(torch.Generator().manual_seed(int(random.integers(2**31))))
    picture = photograph(mesh, camera_from_pose(sample_poses(1, box_corners(mesh))), PICTURE, light)
    rgba = torch.cat(((picture.rgb[0] + 1) / 2, picture.alpha[0, ..., None]), -1)
    return (rgba.clamp(0, 1) * 255).round().byte().numpy()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--meshes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=12, help="of each mesh; of rare kinds as many in all")
    parser.add_argument("--toys", type=int, default=500, help="new ones of each kind, one view each")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    found = list(tqdm(pictures(args, np.random.default_rng(args.seed)), mininterval=5))
    rgba, kinds = zip(*found, strict=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, rgba=np.stack(rgba), kind=np.array([KINDS.index(kind) for kind in kinds]))
    print(f"{len(kinds)} pictures in {args.out}")


if __name__ == "__main__":
    main()
