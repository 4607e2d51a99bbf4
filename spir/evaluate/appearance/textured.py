"""Textures one photo's object with its detail, and renders it in two ways: textured, and by volume rendering."""

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
"""Steps of inversion, the page's default."""
RENDERED_SIZE = 128
"""Side of the volume rendering in pixels; it is enlarged to the size of comparison, as on the page."""


@dataclass(frozen=True)
class Textured:
    """The fit of a photo, and the textured surface made of it."""

    cut: Cutout
    step: Step
    appearance: Appearance
    seconds: float
    """Wall time of the surface alone, in seconds, without the inversion."""


def textured(reconstructor: Reconstructor, photo: Photo, mask: Float[Tensor, "height width"]) -> Textured:
    """Fit the object of a photo by `STEPS` of inversion and texture it; mask in [0, 1] at the photo's size."""
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
    """Render the textured surface from the cameras, recoloured where a palette is given."""
    return view_surface(appearance, texture(appearance, palette), camera, size, background)


@torch.no_grad()
def enlarged_views(reconstructor: Reconstructor, code: Code, camera: Camera, size: int) -> Rendering:
    """Render the volume rendering from the cameras, enlarged to `size` pixels; rgb, alpha and depth are enlarged."""
    cameras: Sequence[Camera] = [camera[row : row + 1] for row in range(len(camera.cam2world))]
    seen = join([view(reconstructor, code, one, RENDERED_SIZE) for one in cameras])
    maps = torch.cat((seen.rgb, seen.alpha[..., None], seen.depth[..., None]), -1).permute(0, 3, 1, 2)
    large = F.interpolate(maps, (size, size), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
    return Rendering(large[..., :3], large[..., 3], large[..., 4])
