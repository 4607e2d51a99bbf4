"""A folder of small drawn cars and networks with a few thousand numbers."""

import numpy as np
import pytest
from PIL import Image

from spir.batch.plan import Plan
from spir.batch.settings import Settings
from tests.tiny import car_photo, tiny_weights

CARS = 5


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    return tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def photos(tmp_path):
    """Five cars with masks, and a file that is no picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(CARS):
        pixels, mask = car_photo(48 + 4 * number)
        Image.fromarray(pixels.numpy()).save(folder / f"car{number}.png")
        Image.fromarray((mask.numpy() * 255).astype(np.uint8)).save(folder / f"car{number}.mask.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    return folder


@pytest.fixture
def plan(weights, tmp_path):
    """The quickest that can be asked."""
    settings = Settings(steps=0, mesh_resolution=0, frames=0, device="cpu", weights=str(weights))
    return Plan(settings, str(tmp_path / "out"))
