"""Where GPUs are lent by the call: what crosses the border can be packed, lies on the CPU, and asks for enough time."""

import pickle
from types import SimpleNamespace

import pytest
import torch

from spir.app.api import Api
from spir.app.context import AppContext
from spir.app.handlers.mesh import MeshHandlers
from spir.app.handlers.mixing import MixingHandlers
from spir.app.handlers.photo import PhotoHandlers
from spir.app.handlers.pose import PoseHandlers
from spir.app.handlers.reconstruction import ReconstructionHandlers
from spir.app.handlers.result import ResultHandlers
from spir.app.server import gpu
from spir.session.store import SessionStore
from spir.types import Movable
from tests.app.conftest import last, visitor


def on_cpu(value):
    """Whether every tensor in it lies on the CPU and none asks for a gradient."""
    if isinstance(value, Movable):
        tensors = []
        value.map(lambda tensor: tensors.append(tensor) or tensor)
        return all(tensor.device.type == "cpu" and not tensor.requires_grad for tensor in tensors)
    return not isinstance(value, torch.Tensor) or value.device.type == "cpu"


@pytest.fixture
def calls(monkeypatch):
    """Names of what was called on a lent GPU, with the seconds asked for; everything in and out has been packed."""
    made = []

    def crossed(value):
        assert on_cpu(value)
        return pickle.loads(pickle.dumps(value))

    def lend(duration):
        def decorate(function):
            name = function.__name__

            def called(*given):
                assert all(on_cpu(value) for value in given)
                made.append((name, duration(*given)))
                out = function(*pickle.loads(pickle.dumps(given)))
                return (crossed(item) for item in out) if hasattr(out, "__next__") else crossed(out)

            return called

        return decorate

    monkeypatch.setattr(gpu, "GPU_PER_CALL", True)
    monkeypatch.setattr(gpu, "spaces", SimpleNamespace(GPU=lend))
    return made


def test_a_whole_visit_crosses_the_border(calls, engine, sent, car_png, tmp_path):
    context = AppContext(engine, SessionStore(tmp_path / "sessions"))
    photos, runs, meshing = PhotoHandlers(context), ReconstructionHandlers(context), MeshHandlers(context)
    api, posing, mixing = Api(context, photos, runs, meshing), PoseHandlers(context), MixingHandlers(context)
    key = last(photos.segment(sent(car_png), None, visitor("anna")))[0]
    assert last(runs.reconstruct(key, 1))["state"] == "done"
    assert ("invert", 11) in calls, "ten seconds and one a step"
    # Going on crosses with its momentum.
    assert last(runs.reconstruct(key, 2))["used"] == 2
    assert meshing.mesh(key, None, 64)
    assert meshing.save_handler("glb")(key, None, 64)
    assert api.rendered(key, context.session(key))
    posing.show(key)
    assert any("cells" in message for message in mixing.grid(sent(car_png), key, None, 0))
    names = {name for name, _ in calls}
    assert {"initialise", "invert", "distance", "mesh", "appearance", "render"} <= names
    assert all(0 < seconds <= 120 for _, seconds in calls)


def test_views_come_a_few_at_a_time(calls, engine, fitted, tmp_path):
    context = AppContext(engine, SessionStore(tmp_path / "sessions"))
    key = context.store.open("anna", fitted)
    assert next(ResultHandlers(context).views(key, context.session(key)))
    assert calls[-1] == ("turning", 20)


def test_colours_need_no_device(engine, monkeypatch):
    """Between two calls there is no GPU to ask."""
    code = engine.generator.code(torch.randn(1, 8)).detach()
    wanted = engine.generator.palette(code)
    monkeypatch.setattr(engine, "device", "cuda")
    assert torch.allclose(engine.palette(code), wanted, atol=1e-6)


def test_elsewhere_an_engine_stays_what_it_is(engine):
    assert gpu.with_borrowed_gpu(engine) is engine
