"""§5 "Results", novel views: the object on a turntable, as pictures and as films."""

import math
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import rotation_from_view, view_from_rotation
from spir.outputs.latent_directions import extents
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Field, Pose, Rendering, join

FRAMES = 36
VIEW_SIDE = 128
"""Pixels per side of a view that is kept."""
FILLED = 0.95
"""The fraction of the half picture that the turning object fills."""
FRAMES_AT_ONCE = 4
"""The number of frames rendered together, which bounds the memory whatever the length of the film."""


def orbit(pose: Pose, frames: int = FRAMES, reach: float = 1.0) -> Pose:
    """Return poses once around the object, the first from the photo's side, upright and in the middle of the picture.

    Elevation, scale and perspective stay those of the photo (batch of 1); the camera moves to its right. It
    steps back where something `reach` object units from the middle would leave the picture on the way round."""
    azimuth, elevation, roll = view_from_rotation(pose.quaternion)
    turn = torch.arange(frames, device=azimuth.device) * (360 / frames)
    quaternion = rotation_from_view(azimuth + turn, elevation.expand(frames), torch.zeros_like(turn))
    z0 = None if pose.z0 is None else pose.z0.expand(frames)
    # Of a circle around the middle, the tangent from the camera at distance F / scale, F = 1 + e^z0, is
    # F reach / sqrt(F^2 / scale^2 - reach^2) half picture widths away from it.
    inverse = 0 if pose.z0 is None else (1 + pose.z0.exp()) ** -2
    most = (inverse + FILLED**-2) ** -0.5 / reach
    scale = pose.scale.clamp(max=most).expand(frames)
    return Pose(z0, pose.shift.new_zeros(frames, 2), scale, quaternion)


def turntable(field: Field, pose: Pose, config: RenderConfig, frames: int = FRAMES) -> Rendering:
    """Render `orbit` as one Rendering whose batch is the frames, on the CPU."""
    return join(list(turning(field, pose, config, frames)))


def turning(field: Field, pose: Pose, config: RenderConfig, frames: int = FRAMES) -> Iterator[Rendering]:
    """Render `orbit` a few frames at a time."""
    path = orbit(pose, frames, horizontal_extent(field) / 2)
    for first in range(0, frames, FRAMES_AT_ONCE):
        with torch.no_grad():
            part = render(field, camera_from_pose(path[first : first + FRAMES_AT_ONCE]), config)
        yield part.to("cpu")


def horizontal_extent(field: Field) -> float:
    """Return the largest horizontal extent (diagonal) of the one object of a field, in object units; its cube's
    side where it has no surface."""
    width, _, length = extents(field)[0].tolist()
    return math.hypot(width, length) if math.isfinite(width + length) else 2 * field.scene_range


def with_background(rendering: Rendering, old: float, new: float) -> Rendering:
    """Replace the plain background colour of a rendering; both colours are in [-1, 1]."""
    return replace(rendering, rgb=rendering.rgb + ((1 - rendering.alpha) * (new - old))[..., None])


def composite_over(
    rendering: Rendering, background: float, picture: Float[Tensor, "height width 3"]
) -> Float[Tensor, "batch height width 3"]:
    """Composite the objects onto a picture with colours in [-1, 1]; `background` is the colour on which they were rendered."""
    clear = (1 - rendering.alpha)[..., None]
    return rendering.rgb + clear * (picture - background)


def to_uint8(rgb: Float[Tensor, "*shape 3"]) -> UInt8[ndarray, "*shape 3"]:
    """Convert colours in [-1, 1] to bytes; values outside are clamped."""
    return ((rgb.detach().cpu().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


def png_bytes(picture: UInt8[ndarray, "height width *channel"]) -> bytes:
    return encoded(picture, "PNG")


def jpeg_bytes(picture: UInt8[ndarray, "height width 3"], quality: int = 85) -> bytes:
    return encoded(picture, "JPEG", quality=quality)


def webp_bytes(picture: UInt8[ndarray, "height width 3"], quality: int = 80) -> bytes:
    """Encode a picture as WebP, half the size of JPEG for the small pictures of steps."""
    return encoded(picture, "WEBP", quality=quality, method=2)


def encoded(picture: UInt8[ndarray, "height width *channel"], form: str, **options) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, form, **options)
    return file.getvalue()


def gif_bytes(frames: UInt8[ndarray, "frame height width 3"], fps: int = 12) -> bytes:
    """Encode an endlessly looping GIF. Equal consecutive frames become one longer frame."""
    first, *rest = [Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE) for frame in frames]
    file = BytesIO()
    # Times are whole hundredths of a second, and browsers slow down anything below two of them.
    duration = max(20, round(100 / fps) * 10)
    first.save(file, "GIF", save_all=True, append_images=rest, duration=duration, loop=0)
    return file.getvalue()


def mp4_bytes(frames: UInt8[ndarray, "frame height width 3"], fps: int = 24) -> bytes:
    """Encode H.264 in yuv420p, which every browser plays; odd sizes are padded by repeating one line."""
    _, height, width, _ = frames.shape
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    raw = f"-f rawvideo -pix_fmt rgb24 -s {frames.shape[2]}x{frames.shape[1]} -r {fps} -i -"
    coded = "-an -c:v libx264 -pix_fmt yuv420p -crf 18 -movflags +faststart"
    with tempfile.TemporaryDirectory() as folder:
        # The index of an MP4 is written last and moved first, which needs a real file.
        path = Path(folder, "film.mp4")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw.split(), *coded.split(), str(path)]
        subprocess.run(command, input=frames.tobytes(), check=True)
        return path.read_bytes()
