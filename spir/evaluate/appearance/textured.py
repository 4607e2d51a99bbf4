"""One photo's object with the photo's detail on it, and the two ways of seeing it: textured, and by volume rendering."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.appearance.layers import texture
from spir.appearance.view import view as view_surface
from spir.evaluate.runs import run, view
from spir.pipeline import Reconstructor
from spir.types import Appearance, Camera, Code, Cutout, Photo, Rendering, Step, join

STEPS = 10
"""Of the inversion: what a visitor gets unasked."""
RENDERED_SIZE = 128
"""Pixels of the volume rendering, which is enlarged to the size that it is compared at: so the page shows it."""


@dataclass(frozen=True)
class Textured:
    """What was found in a photo, and the surface made of it."""

    cut: Cutout
    step: Step
    appearance: Appearance
    seconds: float
    """Wall time of the surface alone, without the inversion."""


def textured(reconstructor: Reconstructor, photo: Photo, mask: Float[Tensor, "height width"]) -> Textured:
    """The object of a photo after `STEPS` of inversion; mask in [0, 1] at the photo's size."""
    cut = reconstructor.cut(photo, mask)
    step = run(reconstructor, cut, (STEPS,)).steps[STEPS]
    began = time.perf_counter()
    appearance = reconstructor.appearance(photo, mask, cut, step)
    return Textured(cut, step, appearance, time.perf_counter() - began)


def surface_views(
    appearance: Appearance,
    camera: Camera,
    size: int,
    background: float,
    palette: Float[Tensor, "values 3"] | None = None,
) -> Rendering:
    """The textured surface as the cameras see it, in other colours where asked for."""
    return view_surface(appearance, texture(appearance, palette), camera, size, background)


@torch.no_grad()
def enlarged_views(reconstructor: Reconstructor, code: Code, camera: Camera, size: int) -> Rendering:
    """The volume rendering as the cameras see it, enlarged; rgb and alpha are those of `size` pixels, depth is too."""
    cameras: Sequence[Camera] = [camera[row : row + 1] for row in range(len(camera.cam2world))]
    seen = join([view(reconstructor, code, one, RENDERED_SIZE) for one in cameras])
    maps = torch.cat((seen.rgb, seen.alpha[..., None], seen.depth[..., None]), -1).permute(0, 3, 1, 2)
    large = F.interpolate(maps, (size, size), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
    return Rendering(large[..., :3], large[..., 3], large[..., 4])
