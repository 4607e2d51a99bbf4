"""A folder of small drawn cars, networks with a few thousand numbers, and an engine that makes each result once."""

import numpy as np
import pytest
from PIL import Image

from spir.batch.plan import Plan
from spir.batch.process import BatchContext
from spir.batch.settings import Settings
from spir.batch.store import Store
from tests.tiny import car_photo, tiny_weights

CARS = 3


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    return tiny_weights(tmp_path_factory.mktemp("weights"))


def drawn_photos(folder):
    """Cars with masks, and a file that is no picture."""
    folder.mkdir()
    for number in range(CARS):
        pixels, mask = car_photo(48 + 4 * number)
        Image.fromarray(pixels.numpy()).save(folder / f"car{number}.png")
        Image.fromarray((mask.numpy() * 255).astype(np.uint8)).save(folder / f"car{number}.mask.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    return folder


@pytest.fixture
def photos(tmp_path):
    return drawn_photos(tmp_path / "photos")


def quick_settings(weights) -> Settings:
    """The quickest that can be asked."""
    return Settings(steps=0, mesh_resolution=0, frames=0, device="cpu", weights=str(weights))


@pytest.fixture
def plan(weights, tmp_path):
    return Plan(quick_settings(weights), str(tmp_path / "out"))


def numbers(value) -> bytes:
    """What tells a cut-out or a fit from others."""
    tensors = (
        (value.rgb,) if hasattr(value, "rgb") else (value.code.w, value.pose.quaternion, value.pose.shift)
    )
    return b"".join(tensor.numpy().tobytes() for tensor in tensors)


def once(method):
    """The method of an engine, which has no state: for the same numbers it works a single time."""
    known = {}

    def remembered(value, *rest):
        key = numbers(value), rest
        if key not in known:
            known[key] = method(value, *rest)
        return known[key]

    return remembered


@pytest.fixture(scope="session")
def engine(weights):
    """For tests of what is done with results, not of the results."""
    loaded = quick_settings(weights).load()
    for name in ("initialise", "render", "turntable"):
        setattr(loaded, name, once(getattr(loaded, name)))
    return loaded


@pytest.fixture
def context(plan, engine):
    return BatchContext(engine, plan.settings, Store(plan.out))
