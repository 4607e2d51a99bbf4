"""Measures recolouring with the photo's detail: does another body paint colour the body, and nothing else?

It is measured in the photo's own view, where every pixel has its detail. The truth is known for painted meshes, whose
faces have parts, and for procedural cars, whose attention says how much paint is in every pixel.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from spir.categories import CAR_PALETTE
from spir.data.meshes.paint import paint_mask
from spir.data.meshes.read import PaintedMesh, read_mesh
from spir.data.meshes.render import albedo
from spir.evaluate.appearance.meshes import PHOTO_SIZE
from spir.evaluate.appearance.paints import other_paint, painted_palette
from spir.evaluate.appearance.textured import Textured, surface_views, textured
from spir.evaluate.benchmarks.meshes import MeshSubject, shot
from spir.evaluate.benchmarks.novel_views import photo_of
from spir.evaluate.benchmarks.procedural import ProceduralSubject as ProceduralSubject
from spir.evaluate.benchmarks.procedural import scene as procedural_scene
from spir.evaluate.benchmarks.recolour import CLEAN, PAINT, changed, crop_nearest, share
from spir.evaluate.items import Record, finished
from spir.evaluate.scores import mean
from spir.geometry.pose import camera_from_pose
from spir.geometry.raster import rasterise
from spir.pipeline import Reconstructor
from spir.types import Camera

SIZE = 256
"""Side of the views in pixels."""
OTHERS = tuple(CAR_PALETTE.index(name) for name in ("glass", "tyres", "headlights", "tail lights"))
"""Parts that are never painted. Licence plates are known for no mesh."""
NAMES = ("paint", "others")


def moved(
    reconstructor: Reconstructor, found: Textured
) -> tuple[Bool[Tensor, "size size"], Bool[Tensor, "size size"]]:
    """Return the pixels of the photo's view that change with the paint, and those that show an object."""
    paint = other_paint(found.appearance.palette[PAINT])
    palette = painted_palette(reconstructor, found.step.code, paint)
    camera, background = camera_from_pose(found.step.pose), reconstructor.category.background
    before, after = (
        surface_views(found.appearance, camera, SIZE, background, colours) for colours in (None, palette)
    )
    return changed(before.rgb[0], after.rgb[0]), before.alpha[0] > 0.5


@torch.no_grad()
def score_mesh(reconstructor: Reconstructor, subject: MeshSubject, root: Path) -> Record:
    """Score the shares of the pixels that change, of a painted mesh's paint and of `OTHERS`."""
    true = shot(root, subject, reconstructor.category, PHOTO_SIZE)
    photo = photo_of(true.picture)
    found = textured(reconstructor, photo, reconstructor.segment(photo).mask)
    hit, there = moved(reconstructor, found)
    truth = mesh_truth(read_mesh(root, subject.file), camera_from_pose(true.pose), PHOTO_SIZE)
    paint, others = (inner(crop_nearest(one, found.cut.box_px, SIZE)) & there for one in truth)
    return {"paint": share(hit, paint), "others": share(hit, others)}


def inner(where: Bool[Tensor, "size size"]) -> Bool[Tensor, "size size"]:
    """Return the pixels whose neighbours are all alike: on a border between parts a pixel shows both of them."""
    outside = (~where).float()[None, None]
    return F.max_pool2d(outside, 3, 1, 1)[0, 0] == 0


def mesh_truth(
    mesh: PaintedMesh, camera: Camera, size: int
) -> tuple[Bool[Tensor, "size size"], Bool[Tensor, "size size"]]:
    """Return where a camera sees paint, and where it sees a part that is never painted; the mesh has its file's own colours."""
    fragments = rasterise(mesh.vertices, mesh.faces, camera, size)
    part = mesh.parts[fragments.face[0].clamp(min=0)]
    amount = (albedo(paint_mask(mesh), fragments)[0, ..., 0] + 1) / 2
    seen = fragments.hit[0]
    # A texture on the body excludes the windows and lamps drawn on it from the paint.
    never = torch.isin(part, torch.tensor((*OTHERS, PAINT)))
    return seen & (amount > 0.5), seen & never & (amount < CLEAN)


@torch.no_grad()
def score_procedural(reconstructor: Reconstructor, subject: ProceduralSubject) -> Record:
    """Score the shares of the pixels that change where a procedural object is mostly paint, and where it is practically none."""
    true = procedural_scene(subject, reconstructor.category)
    assert true.picture.attention is not None
    found = textured(reconstructor, true.photo, reconstructor.segment(true.photo).mask)
    hit, there = moved(reconstructor, found)
    paint, others = (
        inner(crop_nearest(one, found.cut.box_px, SIZE)) & there
        for one in attention_truth(true.picture.attention[0], true.picture.alpha[0])
    )
    return {"paint": share(hit, paint), "others": share(hit, others)}


def attention_truth(
    attention: Float[Tensor, "height width values"], alpha: Float[Tensor, "height width"]
) -> tuple[Bool[Tensor, "height width"], Bool[Tensor, "height width"]]:
    """Return where paint has the largest share, and where the parts that are never painted have more than half."""
    there = alpha > 0.5
    never = attention[..., list(OTHERS)].sum(-1) > 0.5 * alpha
    return there & (attention.argmax(-1) == PAINT), there & never & (attention[..., PAINT] < CLEAN * alpha)


def summary(records: Sequence[Record]) -> Record:
    """Return the mean of each share over the objects that have one."""
    done = finished(records)
    return {name: mean([r[name] for r in done if r[name] is not None]) for name in NAMES} if done else {}
