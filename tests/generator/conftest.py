"""A network small enough to run hundreds of times."""

import pytest
import torch

from spir.generator import Generator, GeneratorConfig

SMALL = GeneratorConfig(8, 16, 16, 4, 64, 16, values=5, hidden=8, scene_range=0.8)


@pytest.fixture
def small() -> Generator:
    torch.manual_seed(0)
    return Generator(SMALL)
