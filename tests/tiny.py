"""A weights folder of networks with a few thousand random numbers, for tests of the whole pipeline."""

import inspect
from dataclasses import replace

import torch

from spir.appearance.config import DEFAULT
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.data.poses.table import PoseTable
from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.pose import look_at_pose
from spir.inversion.config import HYBRID_FAST
from spir.outputs.files import textured_frames
from spir.outputs.views import FRAMES
from spir.weights import save

GENERATOR = GeneratorConfig(8, 16, 8, 4, 128, 16, values=10, hidden=8)
ENCODER = EncoderConfig(
    dims=(8, 8, 8, 8),
    heads=(1, 1, 1, 1),
    depths=(1, 1, 1, 1),
    decode_width=8,
    head_width=8,
    in_channels=4,
    map_upsample=1,
    w_dim=16,
)


def tiny_weights(root):
    """Write them for cars under `root`; returns `root`."""
    torch.manual_seed(0)
    generator = Generator(GENERATOR)
    with torch.no_grad():
        generator.beta.fill_(0.05)
        generator.alpha.fill_(0.05)
    save(root / "car" / "generator.safetensors", generator, GENERATOR)
    save(root / "car" / "encoder.safetensors", Encoder(ENCODER), ENCODER, focal_guesses=[1.1, 2.4])
    return root


def tiny_generator():
    """A random generator of `GENERATOR` whose surfaces are sharp enough to be seen."""
    torch.manual_seed(0)
    generator = Generator(GENERATOR)
    generator.alpha.data.fill_(0.05)
    generator.beta.data.fill_(0.05)
    return generator


def tiny_encoder():
    """A random encoder of `ENCODER`, ready for inference."""
    torch.manual_seed(0)
    return Encoder(ENCODER).eval().requires_grad_(False)


FILM_SIZE = 96
"""Pixels a side of the film of a textured object, once `quick_pictures` was called."""


def quick_pictures(patch):
    """Coarse pictures, steps, textures and films of any engine, for tests of what is done with them."""
    patch.setattr("spir.pipeline.HYBRID_FAST", replace(HYBRID_FAST, crops=0, samples=4))
    patch.setattr("spir.pipeline.REPORT_SAMPLES", 8)
    coarse = replace(DEFAULT, faces=600, texture=64, coarse=16, source=64)
    for name in ("DEFAULT", "FINE"):
        patch.setattr(f"spir.outputs.files.{name}", coarse)
    set_defaults(patch, textured_frames, FRAMES, FILM_SIZE)


def set_defaults(patch, function, *values):
    """Other defaults of a function's last arguments, whoever has imported it; the checks of types wrap it."""
    patch.setattr(inspect.unwrap(function), "__defaults__", values)


def car_photo(size=64):
    """A red box on white, and its mask."""
    pixels = torch.full((size, size, 3), 255, dtype=torch.uint8)
    mask = torch.zeros(size, size)
    rows, columns = slice(size // 3, 2 * size // 3), slice(size // 6, 5 * size // 6)
    pixels[rows, columns] = torch.tensor((200, 30, 30), dtype=torch.uint8)
    mask[rows, columns] = 1
    return pixels, mask


def tiny_table(names=("a", "b", "c")) -> PoseTable:
    """Poses of photos that are all kept, with perfect scores."""
    like = torch.ones(len(names))
    pose = look_at_pose(like, like, focal=2 * like)
    no = torch.zeros(len(names), dtype=torch.bool)
    return PoseTable(names, pose, torch.zeros(len(names), 2, 4), like * 0, like, like * 0, like * 0, no, ~no)
