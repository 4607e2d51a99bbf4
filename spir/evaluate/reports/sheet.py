"""§5 "Results", the contact sheet: one row per photo, from the photo to the mesh."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from spir.data.meshes.read import from_surface
from spir.data.meshes.render import Light, render_mesh
from spir.errors import EmptySurfaceError
from spir.evaluate.items import Record
from spir.evaluate.runs import RunAtCounts, view
from spir.geometry.pose import camera_from_pose
from spir.outputs.panels import nocs_picture, sheet, thumbnail
from spir.outputs.views import orbit, to_uint8
from spir.pipeline import Reconstructor
from spir.types import Camera, Cutout, Mesh, Photo, Rendering

TURNS = 12
NOVEL, MESH = (2, 5), 10
"""Positions among twelve around the object, the photo's being 0: 60 and 150 degrees to the right, 60 left."""
MESH_RESOLUTION = 96
AMBIENT = 0.35
PAPER = 255

Picture = UInt8[np.ndarray, "height width 3"]


def labels(steps: Sequence[int]) -> list[str]:
    """Return the column headings."""
    return ["photo", "cut-out", "NOCS", *(f"N = {count}" for count in steps), "+60", "+150", "mesh, -60"]


def mesh_picture(mesh: Mesh, camera: Camera, size: int) -> Picture:
    """Render the triangles in their colours, lit from the camera, on white; a batch of 1 camera."""
    towards = tuple(camera.cam2world[0, :3, 2].tolist())
    light = Light(towards, sun_strength=1 - AMBIENT, sky=AMBIENT, ground=AMBIENT, contact=0.0, gloss=0.0)
    return to_uint8(render_mesh(from_surface(mesh), camera, size, light, background=1.0).rgb[0])


@torch.no_grad()
def sheet_row(
    reconstructor: Reconstructor, photo: Photo, cut: Cutout, done: RunAtCounts, seen: Mapping[int, Rendering]
) -> list[Picture]:
    """Return one photo's pictures in the order of `labels`; `seen` maps N to its picture."""
    size = cut.mask.shape[1]
    last = done.steps[max(done.steps)]
    around = camera_from_pose(orbit(last.pose, TURNS))
    novel = [view(reconstructor, last.code, around[turn : turn + 1], size).rgb[0] for turn in NOVEL]
    guess = done.guess
    nocs = guess.nocs[0] * guess.mask[0][..., None]
    try:
        solid = mesh_picture(reconstructor.mesh(last, MESH_RESOLUTION), around[MESH : MESH + 1], size)
    except EmptySurfaceError:
        solid = np.full((size, size, 3), PAPER, np.uint8)
    return [
        thumbnail(photo, size),
        to_uint8(cut.rgb[0]),
        nocs_picture(nocs, guess.mask[0], reconstructor.category.scene_range),
        *(to_uint8(seen[count].rgb[0]) for count in sorted(seen)),
        *(to_uint8(view) for view in novel),
        solid,
    ]


def save_sheet(path: Path, records: Sequence[Record], steps: Sequence[int]) -> None:
    """Write the rows of all photos that finished; no file where none did."""
    shown = [record for record in records if "pictures" in record]
    if not shown:
        return
    page = sheet(
        [record["pictures"] for record in shown],
        labels(sorted(steps)),
        [f"{record['name']} {record[str(max(steps))]['iou']:.2f}" for record in shown],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).save(path)
