"""A visitor, photos that are and are not, and an engine of toy size."""

import gradio as gr
import pytest
from PIL import Image, ImageDraw

from spir.pipeline import Reconstructor
from spir.ui.fitting import Fitting
from spir.ui.handlers import Handlers
from spir.ui.sessions import Runs
from tests.ui.toy import ROOT

FRAMES = 5


@pytest.fixture(scope="session")
def car_png(tmp_path_factory):
    """A drawn car with a transparent background."""
    picture = Image.new("RGBA", (400, 260), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((40, 110, 360, 190), 20, fill=(190, 40, 40, 255))
    pen.polygon([(110, 110), (150, 60), (260, 60), (310, 110)], fill=(60, 80, 110, 255))
    for x in (110, 290):
        pen.ellipse((x - 32, 160, x + 32, 224), fill=(30, 30, 30, 255))
        pen.ellipse((x - 14, 178, x + 14, 206), fill=(180, 180, 180, 255))
    path = tmp_path_factory.mktemp("photos") / "car.png"
    picture.save(path)
    return path


@pytest.fixture(scope="session")
def wrong_files(tmp_path_factory):
    """Name -> a file that is no photo."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "text.png").write_text("this is no picture")
    (folder / "empty.png").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def engine():
    return Reconstructor.load(root=ROOT, device="cpu", loss="encoder")


@pytest.fixture
def handlers(engine, tmp_path):
    made = Handlers(engine, Runs(root=tmp_path / "runs"))
    # The whole circle would take most of the time of these tests.
    made.turn_on_gpu = lambda fit: engine.turning(fit, FRAMES)
    return made


@pytest.fixture
def fitting(handlers):
    return Fitting(handlers)


@pytest.fixture
def key(handlers, car_png):
    """The key of a run that has its cut-out and nothing else."""
    return last(handlers.segment({"path": str(car_png)}, None, visitor("anna")))[0]


def visitor(session):
    return gr.Request(session_hash=session)


def last(iterator):
    """The final values of an event that streams."""
    return list(iterator)[-1]
