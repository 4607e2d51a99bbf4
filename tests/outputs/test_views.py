"""Turntables, backgrounds and films."""

import subprocess
from dataclasses import replace
from io import BytesIO

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import view_from_rotation
from spir.outputs.views import (
    composite_over,
    gif_bytes,
    jpeg_bytes,
    mp4_bytes,
    orbit,
    png_bytes,
    to_uint8,
    turntable,
    with_background,
)
from spir.rendering.config import RenderConfig
from tests.outputs.analytic import Balls

ONE = torch.ones(1)
SMALL = RenderConfig(size=24, attention=True, nocs=True)
EAR = Balls(((0.0, 0.0, 0.0, 0.35), (0.0, 0.0, 0.5, 0.2)))
"""Something with a front: a nose towards +Z."""


def pose(azimuth=40.0, elevation=15.0, focal=1.5):
    focal = None if focal is None else focal * ONE
    shift = torch.tensor([[0.2, -0.1]])
    return look_at_pose(azimuth * ONE, elevation * ONE, 7 * ONE, focal=focal, scale=0.7 * ONE, shift=shift)


@pytest.mark.parametrize("focal", [1.5, None])
def test_orbit_starts_at_the_photo_and_goes_once_round(focal):
    path = orbit(pose(focal=focal), 12)
    azimuth, elevation, roll = view_from_rotation(path.quaternion)
    assert azimuth[0].item() == pytest.approx(40, abs=1e-3)
    steps = torch.diff(azimuth).remainder(360)
    assert torch.allclose(steps, torch.full((11,), 30.0), atol=1e-2)
    assert torch.allclose(elevation, torch.full((12,), 15.0), atol=1e-3)
    assert roll.abs().max() < 1e-3
    centre, _ = project(camera_from_pose(path), torch.zeros(12, 1, 3))
    assert centre.abs().max() < 1e-5
    assert (path.z0 is None) == (focal is None)
    assert (orbit(pose(focal=focal), 12, reach=0.3).scale == 0.7).all(), "there is room: nothing changes"


@pytest.mark.parametrize("focal", [0.8, 1.5, 6.0, None])
def test_what_turns_stays_in_the_picture(focal):
    near = replace(pose(elevation=0.0, focal=focal), scale=torch.tensor([1.2]))
    path = orbit(near, 24)
    # A rod from back to front, 2 units long.
    rod = torch.tensor([[0.0, 0, -1], [0, 0, 1]]).expand(24, 2, 3)
    landed, _ = project(camera_from_pose(path), rod)
    widest = 2 * landed[..., 0].abs().max()
    assert 0.8 < widest <= 0.95 + 1e-4


def test_turntable_is_the_rendering_of_every_frame():
    films = turntable(EAR, pose(elevation=0.0), SMALL, frames=6)
    assert films.rgb.shape == (6, 24, 24, 3)
    assert films.attention.shape == (6, 24, 24, 3)
    assert films.normals is None
    assert not films.rgb.requires_grad
    # The nose shows to the right of the middle where the camera stands to its left, and the other way round.
    columns = torch.linspace(-1, 1, 24)
    for frame, azimuth in enumerate(40.0 + 60 * np.arange(6)):
        weight = films.alpha[frame].sum(0)
        side = (weight * columns).sum() / weight.sum()
        assert np.sign(side.item()) == -np.sign(np.sin(np.deg2rad(azimuth)))


def test_to_uint8_rounds_and_clamps():
    values = torch.tensor([[-1.002, -1.0, 0.0], [1.0, 1.002, 1 / 255]])
    assert to_uint8(values).tolist() == [[0, 0, 128], [255, 255, 128]]


def test_background_can_be_changed_after_the_fact():
    grey = turntable(EAR, pose(), SMALL, frames=1)
    white = turntable(EAR, pose(), RenderConfig(size=24, background=1.0), frames=1)
    assert torch.allclose(with_background(grey, 0.0, 1.0).rgb, white.rgb, atol=1e-5)
    picture = torch.rand(24, 24, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert torch.allclose(composite_over(grey, 0.0, torch.ones(24, 24, 3)), white.rgb, atol=1e-5)
    laid = composite_over(white, 1.0, picture)
    assert torch.allclose(laid[0, 0, 0], picture[0, 0], atol=1e-5)
    assert torch.allclose(laid[0, 12, 12], grey.rgb[0, 12, 12], atol=2e-2)


def film(frames=7, height=33, width=48):
    """A bright square that walks."""
    pictures = np.full((frames, height, width, 3), 40, np.uint8)
    for number, picture in enumerate(pictures):
        picture[8:24, 4 * number : 4 * number + 12] = (220, 120, 60)
    return pictures


def test_mp4_plays_with_the_right_frames_size_and_codec(tmp_path):
    pictures = film()
    path = tmp_path / "film.mp4"
    path.write_bytes(mp4_bytes(pictures, fps=12))
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    facts = subprocess.run([ffmpeg, "-i", str(path)], capture_output=True, text=True).stderr
    assert "Video: h264" in facts
    assert "yuv420p" in facts
    assert "48x34" in facts
    assert "12 fps" in facts
    decode = [ffmpeg, "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(decode, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 34, 48, 3)
    assert len(frames) == 7
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(frame[:33].astype(int) - picture).mean() < 6
    # The index comes first, so that a browser may start before the end has arrived.
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_gif_plays_endlessly_with_the_right_frames():
    pictures = film()
    gif = Image.open(BytesIO(gif_bytes(pictures, fps=10)))
    assert gif.n_frames == 7
    assert gif.size == (48, 33)
    assert gif.info["loop"] == 0
    assert gif.info["duration"] == 100
    for number in range(7):
        gif.seek(number)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - pictures[number]).max() < 8


def test_single_pictures():
    picture = film(1)[0]
    assert (np.asarray(Image.open(BytesIO(png_bytes(picture)))) == picture).all()
    jpeg = Image.open(BytesIO(jpeg_bytes(picture)))
    assert jpeg.format == "JPEG"
    assert np.abs(np.asarray(jpeg).astype(int) - picture).mean() < 8
