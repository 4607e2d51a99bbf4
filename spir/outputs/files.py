"""§5 "Results", the files of a run: what it saw, what it made, and how it got there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from spir.appearance.config import DEFAULT, FINE, AppearanceConfig
from spir.appearance.layers import recoloured, texture
from spir.appearance.view import view
from spir.geometry.pose import camera_from_pose
from spir.metrics.images import iou, psnr
from spir.outputs.export.plain import EXPORTS
from spir.outputs.export.textured import TEXTURED
from spir.outputs.panels import attention_picture, error_picture, nocs_picture, normals_picture, strip
from spir.outputs.views import FRAMES, gif_bytes, mp4_bytes, orbit, png_bytes, to_uint8, with_background
from spir.types import Appearance, Camera, Cutout, Fit, Mesh, Photo, Pose, Rendering, Step

PAPER_WHITE = 1.0
TEXTURE_SIZES = (DEFAULT.texture, FINE.texture)
"""Texture sizes that can be requested, in texels per side."""
FILM_SIZE = 384
"""Size of a textured turntable in pixels per side; each frame takes about 0.4 seconds of one core."""


def step_metrics(steps: Sequence[Step], cutout: Cutout) -> list[dict[str, float]]:
    """Return the silhouette IoU and the PSNR inside the mask of each step's own picture (batch of 1)."""
    return [
        {
            "iou": float(iou(step.alpha, cutout.mask)),
            "psnr": float(psnr(step.rgb, cutout.rgb, cutout.mask > 0.5)),
        }
        for step in steps
    ]


def picture_files(
    photo: Photo, cutout: Cutout, fit: Fit, seen: Rendering, scene_range: float
) -> dict[str, bytes]:
    """Return PNGs by file name. `seen` is the fit from the photo's camera, with normals, NOCS and attention, at
    the cut-out's size; the batch is 1."""
    assert seen.nocs is not None and seen.normals is not None and seen.attention is not None
    alpha = seen.alpha[0]
    mask = (cutout.mask[0].cpu().numpy() * 255).round().astype(np.uint8)
    pictures = {
        "photo": photo.rgb.cpu().numpy(),
        "cutout": to_uint8(cutout.rgb[0]),
        "mask": np.repeat(mask[..., None], 3, -1),
        "render": to_uint8(seen.rgb[0]),
        "nocs": nocs_picture(seen.nocs[0], alpha, scene_range),
        "normals": normals_picture(seen.normals[0], alpha),
        "attention": attention_picture(seen.attention[0]),
        "error": error_picture(cutout.rgb[0], seen.rgb[0]),
        "trajectory": strip(fit.trajectory),
    }
    return {f"{name}.png": png_bytes(picture) for name, picture in pictures.items()}


def on_paper(views: Rendering, background: float) -> UInt8[np.ndarray, "frame height width 3"]:
    """Return the pictures on white; `background` is the colour on which they were rendered."""
    return to_uint8(with_background(views, background, PAPER_WHITE).rgb)


def film_files(frames: UInt8[np.ndarray, "frame height width 3"]) -> dict[str, bytes]:
    """Return the turntable as MP4 and GIF."""
    return {"turntable.mp4": mp4_bytes(frames), "turntable.gif": gif_bytes(frames)}


def appearance_config(size: int, detail: float) -> AppearanceConfig:
    """Return the settings for a texture of at least `size` texels per side with the amount `detail` of the photo's detail."""
    return replace(DEFAULT if size <= DEFAULT.texture else FINE, detail=detail)


def in_colours(appearance: Appearance, palette: Float[Tensor, "values 3"], detail: float = 1.0) -> Appearance:
    """Return a surface in the user's colours (the fit's palette with some entries changed), with at most the
    given amount of the photo's detail."""
    return replace(recoloured(appearance, palette), detail=min(detail, appearance.detail))


def textured_views(
    appearance: Appearance,
    camera: Camera,
    size: int,
    background: float = PAPER_WHITE,
) -> Iterator[Rendering]:
    """Render a surface from each camera in front of a plain colour, on the CPU, one view at a time."""
    colours = texture(appearance)
    for row in range(len(camera.cam2world)):
        yield view(appearance, colours, camera[row : row + 1], size, background)


def textured_frames(
    appearance: Appearance,
    pose: Pose,
    frames: int = FRAMES,
    size: int = FILM_SIZE,
) -> UInt8[np.ndarray, "frame size size 3"]:
    """Render a textured surface on white along a full turn, with the camera path of `outputs.views.orbit`."""
    reach = float(torch.linalg.vector_norm(appearance.vertices[:, [0, 2]], dim=1).max())
    cameras = camera_from_pose(orbit(pose, frames, reach))
    return np.concatenate([to_uint8(seen.rgb) for seen in textured_views(appearance, cameras, size)])


def textured_files(
    appearance: Appearance, camera: Camera, names: Sequence[str], formats: Sequence[str]
) -> dict[str, bytes]:
    """Return the surface in the given formats of `TEXTURED`; `names` are those of the palette's entries."""
    return {textured_name(form): TEXTURED[form](appearance, camera, names) for form in formats}


def textured_name(form: str) -> str:
    """Return the file name for a format of `TEXTURED`."""
    return form if form.endswith(".glb") else f"textured.{form}"


def mesh_files(mesh: Mesh, camera: Camera) -> dict[str, bytes]:
    """Return the mesh in every format of `EXPORTS`."""
    return {f"mesh.{ending}": export(mesh, camera) for ending, export in EXPORTS.items()}
