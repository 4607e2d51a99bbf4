"""Pictures of procedural objects that no training uses, laid out as the SRN test sets, for the paper's
evaluation.

    python -m spir.data.srn_views car --objects 32 --views 13 --out DIR

Every object is seen from the same cameras, on a spiral over the upper half of a sphere, all with SRN's focal
length and distance.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from spir.categories import CATEGORIES
from spir.formulas import FORMULAS
from spir.geometry.frame import VISION_AXES
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Camera

FIRST_SEED = 30_000_000
"""Far from any seed that training or the other evaluations use."""
SIZE = 128
FOCAL_PX = 131.25
DISTANCE = 1.3
"""Distance of SRN's test cameras, in SRN's units."""
TURNS, HIGHEST_DEG = 3, 80.0
SAMPLES, GRID = 24, 64


def spiral(views: int) -> Camera:
    """Cameras on a spiral from the horizon up, in our frame, all at one distance."""
    share = (torch.arange(views) + 0.5) / views
    focal = torch.full((views,), FOCAL_PX / SIZE)
    units = DISTANCE / CATEGORIES["shapenet_cars"].frame.half_side
    pose = look_at_pose(360 * TURNS * share % 360, HIGHEST_DEG * share, focal=focal, scale=2 * focal / units)
    return camera_from_pose(pose)


def source_pose(cam2world: Float[Tensor, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """One of our cameras in SRN's world, unit and camera axes."""
    frame = CATEGORIES["shapenet_cars"].frame
    ours = cam2world.double().numpy()
    theirs = np.eye(4)
    theirs[:3, :3] = frame.axes.T @ ours[:3, :3] @ VISION_AXES
    theirs[:3, 3] = frame.axes.T @ ours[:3, 3] * frame.half_side
    return theirs


@torch.no_grad()
def write_object(folder: Path, category: str, number: int, cameras: Camera) -> None:
    """Write one object's pictures, poses and intrinsics, unless it is there already."""
    place = folder / f"{category}-{number:05d}"
    if (place / "intrinsics.txt").is_file():
        return
    (place / "rgb").mkdir(parents=True, exist_ok=True)
    (place / "pose").mkdir(exist_ok=True)
    recipe = FORMULAS[category]
    draws = torch.Generator().manual_seed(FIRST_SEED + number)
    field = recipe.field(torch.randn(1, recipe.z_dim, generator=draws))
    view = RenderConfig(size=SIZE, samples=SAMPLES, grid=GRID, background=1.0)
    for index in range(len(cameras.cam2world)):
        rgb = render(field, cameras[index : index + 1], view).rgb[0]
        pixels = ((rgb.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
        Image.fromarray(pixels).save(place / "rgb" / f"{index:06d}.png")
        pose = " ".join(f"{value:.9g}" for value in source_pose(cameras.cam2world[index]).flatten())
        (place / "pose" / f"{index:06d}.txt").write_text(pose + "\n")
    # Written last, so that an object is there whole or not at all.
    (place / "intrinsics.txt").write_text(
        f"{FOCAL_PX} {SIZE / 2} {SIZE / 2} 0.\n0. 0. 0.\n1.\n{SIZE} {SIZE}\n"
    )


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        "python -m spir.data.srn_views", description="Procedural objects as an SRN test set."
    )
    parser.add_argument("category", choices=sorted(FORMULAS))
    parser.add_argument("--objects", type=int, default=32)
    parser.add_argument("--views", type=int, default=13)
    parser.add_argument("--out", type=Path, required=True, help="CATEGORYs_test is made in it")
    args = parser.parse_args(argv)
    if args.objects < 1 or args.views < 2:
        parser.error("--objects must be at least 1 and --views at least 2")
    cameras = spiral(args.views)
    for number in range(args.objects):
        write_object(args.out / f"{args.category}s_test", args.category, number, cameras)


if __name__ == "__main__":
    main()
