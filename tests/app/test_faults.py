"""What goes wrong while somebody is served: it ends in words, and the next one is served as if nothing had been."""

import gradio as gr
import pytest
import torch

from spir.app import text as words
from spir.app.api import Api
from spir.app.handlers.downloads import Takeaway
from spir.app.handlers.mesh import Meshing
from spir.app.handlers.pose import Posing
from spir.pipeline import preset
from tests.app.conftest import last, visitor

LACKS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


def failing(problem, after=0, items=()):
    """A generator that fails behind so many of these items."""

    def run(*arguments):
        yield from list(items)[:after]
        raise problem

    return run


def raising(problem):
    def call(*arguments, **options):
        raise problem

    return call


@pytest.fixture
def fitted(fitting, key):
    list(fitting.reconstruct(key, 1))
    return key


@pytest.mark.parametrize("problem", LACKS)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_without_memory_in_a_step_the_visitor_is_told_and_the_next_run_works(
    handlers, fitting, key, monkeypatch, problem, after
):
    items = list(handlers.engine.reconstruct(handlers.run(key).cutout, preset(3)))
    messages = []
    with monkeypatch.context() as broken:
        broken.setattr(fitting, "steps_on_gpu", failing(problem, after, items))
        with pytest.raises(gr.Error) as caught:
            for message in fitting.reconstruct(key, 3):
                messages.append(message)
    assert caught.value.message == words.NO_MEMORY and not caught.value.print_exception
    assert messages[-1] == {"run": key, "state": "failed", "note": words.NO_MEMORY}
    assert list(fitting.reconstruct(key, 1))[-1]["state"] == "done"


def test_a_step_without_memory_takes_nothing_of_an_earlier_result(handlers, fitting, fitted, monkeypatch):
    before = handlers.run(fitted).fit
    monkeypatch.setattr(fitting, "steps_on_gpu", failing(MemoryError()))
    with pytest.raises(gr.Error):
        list(fitting.reconstruct(fitted, 3))
    assert handlers.run(fitted).fit is before


@pytest.mark.parametrize("problem", LACKS)
def test_without_memory_for_anything_else_the_visitor_is_told_too(
    handlers, fitting, fitted, monkeypatch, problem
):
    meshing = Meshing(handlers)
    api = Api(handlers, fitting, meshing)
    posing, takeaway = Posing(handlers), Takeaway(handlers, meshing)
    monkeypatch.setattr(handlers, "turn_on_gpu", failing(problem))
    monkeypatch.setattr(handlers, "mesh_on_gpu", raising(problem))
    monkeypatch.setattr(handlers, "render_on_gpu", raising(problem))
    monkeypatch.setattr(handlers, "appearance_on_gpu", raising(problem))
    for event in (
        lambda: list(handlers.turn(fitted)),
        lambda: meshing.mesh(fitted, None, 64),
        lambda: takeaway.files(fitted, 64, None),
        lambda: posing.scene(fitted, None),
        lambda: api.recolour(fitted, "{}"),
        lambda: api.export(fitted, "stl", 64),
    ):
        with pytest.raises(gr.Error) as caught:
            event()
        assert caught.value.message == words.NO_MEMORY


def test_without_memory_for_the_cutout_nothing_is_kept(handlers, sent, car_png, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(handlers.engine, "find", raising(MemoryError()))
        with pytest.raises(gr.Error, match="not enough memory"):
            list(handlers.segment(sent(car_png), None, visitor("anna")))
    assert not handlers.runs.runs
    assert last(handlers.segment(sent(car_png), None, visitor("anna")))[0]


def test_a_photo_that_is_gone_is_told_in_words(handlers, tmp_path):
    with pytest.raises(gr.Error) as caught:
        list(handlers.segment({"path": str(tmp_path / "gone.jpg")}, None, visitor("anna")))
    assert caught.value.message == words.FAILED and str(tmp_path) not in caught.value.message


def test_a_page_that_a_new_server_does_not_know_is_told_so(fitting):
    for line, told in (({"run": "0" * 32, "looked_at": 1}, words.FORGOTTEN), ({"run": ""}, words.NO_PHOTO)):
        with pytest.raises(gr.Error) as caught:
            fitting.wait(None, line)
        assert caught.value.message == told
