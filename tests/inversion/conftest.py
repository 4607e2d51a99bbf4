"""Networks of a few thousand numbers, and a target that they can reach."""

from dataclasses import replace

import pytest
import torch

from spir.bootstrap.encoder import Encoder
from spir.categories import Category
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.inversion.perceptual import EncoderDistance
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code, Cutout, Guess, Outcome
from tests.tiny import ENCODER, GENERATOR

SIZE = 32


class Toy:
    """A random blob, its pictures, and guesses beside it."""

    def __init__(self):
        torch.manual_seed(0)
        self.category = Category("thing", "thing")
        self.generator = Generator(replace(GENERATOR, values=3))
        with torch.no_grad():
            self.generator.beta.fill_(0.05)
            self.generator.alpha.fill_(0.05)
        self.generator.freeze()
        self.encoder = Encoder(replace(ENCODER, size=SIZE))
        self.encoder.eval().requires_grad_(False)
        self.perceptual = EncoderDistance(self.encoder)

    def code(self, seed):
        g = torch.Generator().manual_seed(seed)
        return Code(torch.randn(1, self.generator.num_ws, 16, generator=g))

    def pose(self, azimuth=30.0, shift=0.0):
        return look_at_pose(
            torch.tensor([azimuth]),
            torch.tensor([20.0]),
            focal=torch.tensor([1.4]),
            scale=torch.tensor([0.7]),
            shift=torch.tensor([[shift, 0.0]]),
        )

    def cutout(self, code, pose):
        """The object's own picture."""
        with torch.no_grad():
            seen = render(self.generator.field(code), camera_from_pose(pose), RenderConfig(size=SIZE))
        return Cutout(seen.rgb, seen.alpha, torch.zeros(len(seen.rgb), 4))

    def guess(self, code, pose, count=1):
        return Guess(
            nocs=torch.zeros(count, SIZE, SIZE, 3),
            mask=torch.zeros(count, SIZE, SIZE),
            code=code,
            pose=pose,
            pnp_error=torch.zeros(count),
            outcome=(Outcome.SOLVED,) * count,
        )


@pytest.fixture(scope="module")
def toy():
    return Toy()
