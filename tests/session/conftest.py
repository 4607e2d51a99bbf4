"""An engine of toy size, and a session that it fitted."""

import io

import pytest
from PIL import Image
from torch import Tensor

from spir.photo import read_photo
from spir.pipeline import Reconstructor, preset
from spir.session import actions
from spir.session.session import Session
from spir.types import Segmentation
from tests.app.toy import ROOT
from tests.tiny import car_photo

STEPS = 3


@pytest.fixture(scope="package")
def engine():
    return Reconstructor.load(root=ROOT, device="cpu", loss="encoder")


@pytest.fixture(scope="package")
def cut_out(engine):
    """A drawn car with a mask that came with it, not yet fitted."""
    pixels, mask = car_photo(64)
    upload = png(pixels)
    photo = read_photo(upload)
    found = Segmentation(mask, "built-in graph cut")
    cutout = engine.cut(photo, mask, 0.1)
    return Session("car", photo, upload, found, mask, 0.1, cutout, found.segmenter)


@pytest.fixture(scope="package")
def fitted(engine, cut_out):
    """The same after three steps."""
    *_, session = actions.run(engine, cut_out, preset(STEPS))
    return session


def png(pixels: Tensor) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return file.getvalue()
