"""A visitor, photos that are and are not, and an engine of toy size."""

import copy
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image, ImageDraw

from spir.app.context import AppContext
from spir.app.handlers.downloads import DownloadHandlers
from spir.app.handlers.mesh import COARSEST, MeshHandlers
from spir.app.handlers.photo import PhotoHandlers
from spir.app.handlers.reconstruction import ReconstructionHandlers
from spir.app.handlers.result import ResultHandlers
from spir.pipeline import Reconstructor, preset
from spir.session import actions, surfaces
from spir.session.store import SessionStore
from tests.app.quick_app import COARSE, make_quick
from tests.app.toy import ROOT
from tests.app.visits import CHROMIUM, QUICK, SOFTWARE_GL, Visit, served

STEPS = 2


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


@contextmanager
def unseen():
    """Nobody says what a photo shows: drawn cars are no photos, and the network that knows cars says so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spir.photo.segmentation.OnnxSegmenter.available", lambda self: False)
        yield


@pytest.fixture(autouse=True)
def nobody_looks():
    with unseen():
        yield


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The whole circle and fine textures would take most of the time of these tests."""
    make_quick(monkeypatch.setattr)


@pytest.fixture
def context(engine, tmp_path):
    return AppContext(copy.copy(engine), SessionStore(tmp_path / "runs"))


@pytest.fixture
def photos(context):
    return PhotoHandlers(context)


@pytest.fixture
def runs(context):
    return ReconstructionHandlers(context)


@pytest.fixture
def results(context):
    return ResultHandlers(context)


@pytest.fixture
def meshes(context):
    return MeshHandlers(context)


@pytest.fixture
def downloads(context, meshes):
    return DownloadHandlers(context, meshes)


class Live:
    """The session of a key as it is now, and what the store knows of it."""

    def __init__(self, context, key):
        self.slot = context.slot(key)

    def __getattr__(self, name):
        return getattr(self.slot.session if hasattr(self.slot.session, name) else self.slot, name)

    @property
    def metrics(self):
        return self.slot.session.result.trajectory.metrics

    @property
    def views(self):
        table = self.slot.session.turntable
        return table.parts if table and table.matches(self.slot.session.fit) else ()

    def change(self, **fields):
        self.slot.session = replace(self.slot.session, **fields)


@pytest.fixture
def live(context):
    return lambda key: Live(context, key)


@pytest.fixture
def sent(tmp_path):
    """What Gradio makes of a file that a visitor sends: a copy of its own, which the page may delete."""

    def copied(path):
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        return {"path": shutil.copy(path, folder)}

    return copied


@pytest.fixture(scope="session")
def cut_out(engine, car_png):
    """A session that has its cut-out and nothing else."""
    with unseen():
        return actions.open_photo(engine, car_png.read_bytes())


@pytest.fixture(scope="session")
def fitted(engine, cut_out):
    """The same after two steps."""
    *_, session = actions.run(engine, cut_out, preset(STEPS), compare=True)
    return session


@pytest.fixture(scope="session")
def detailed(engine, fitted):
    """The same as if the fit were to be trusted, with a mesh and a surface that has the photo's detail."""
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch.setattr)
        patch.setattr("spir.session.surfaces.photo_detail", lambda verdict: 1.0)
        return surfaces.texture(engine, surfaces.mesh(engine, fitted, COARSEST), COARSE.texture)


@pytest.fixture(scope="session")
def packed(engine, fitted, tmp_path_factory):
    """The session with all that the downloads are made of, and the downloads, name -> bytes."""
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch.setattr)
        context = AppContext(copy.copy(engine), SessionStore(tmp_path_factory.mktemp("packed")))
        key = context.store.open("anna", fitted)
        paths, _ = DownloadHandlers(context, MeshHandlers(context)).files(key, COARSEST, None)
        return context.session(key), {Path(path).name: Path(path).read_bytes() for path in paths}


@pytest.fixture
def key(context, cut_out):
    """The key of a session that has its cut-out and nothing else."""
    return context.store.open("anna", cut_out)


@pytest.fixture
def fitted_key(context, fitted):
    """The key of a session that has a result of two steps."""
    return context.store.open("anna", fitted)


@pytest.fixture(scope="session")
def temporary(tmp_path_factory):
    """Where the app of `url` writes."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def url(temporary):
    """The whole page over the toy engine, as a process."""
    with served(QUICK, temporary) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Not of the session: it keeps an event loop running, which other tests cannot bear."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"chromium is not at {CHROMIUM}")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=str(CHROMIUM), args=SOFTWARE_GL)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def done(browser, url, car_png):
    """A visit with a finished run of three steps, its object turned and coloured."""
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(3)
    visit.ran(3)
    visit.turned()
    yield visit
    visit.close()


def visitor(session):
    return gr.Request(session_hash=session)


def last(iterator):
    """The final values of an event that streams."""
    return list(iterator)[-1]
