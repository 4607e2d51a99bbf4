"""§5 "Results", a run as files: what it saw, what it made, and how it got there."""

import json
from collections.abc import Sequence

import numpy as np

from spir.outputs.agreement import iou, psnr
from spir.outputs.export import EXPORTS
from spir.outputs.panels import attention_picture, error_picture, nocs_picture, normals_picture, strip
from spir.outputs.views import gif_bytes, mp4_bytes, png_bytes, to_uint8, with_background
from spir.types import Camera, Cutout, Fit, Mesh, Photo, Rendering, Step

PAPER_WHITE = 1.0


def step_metrics(steps: Sequence[Step], cutout: Cutout) -> list[dict[str, float]]:
    """Per step, silhouette IoU and PSNR in the mask of its own picture (batch of 1)."""
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
    """File name -> PNG. `seen` is the fit from the photo's camera, with normals, NOCS and attention, at the
    cut-out's size; the batch is 1."""
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


def film_files(views: Rendering, background: float) -> dict[str, bytes]:
    """The turntable on white as MP4 and GIF; `background` is the colour it was rendered on."""
    frames = to_uint8(with_background(views, background, PAPER_WHITE).rgb)
    return {"turntable.mp4": mp4_bytes(frames), "turntable.gif": gif_bytes(frames)}


def mesh_files(mesh: Mesh, camera: Camera) -> dict[str, bytes]:
    """The mesh in every format of `EXPORTS`."""
    return {f"mesh.{ending}": export(mesh, camera) for ending, export in EXPORTS.items()}


def record_file(record: dict) -> dict[str, bytes]:
    """run.json."""
    return {"run.json": json.dumps(record, indent=1, allow_nan=False).encode()}
