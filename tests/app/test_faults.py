"""What goes wrong while somebody is served: it ends in words, and the next one is served as if nothing had been."""

import gradio as gr
import pytest
import torch

from spir.app import text
from spir.app.api import Api
from spir.app.handlers.downloads import DownloadHandlers
from spir.app.handlers.mesh import MeshHandlers
from spir.app.handlers.photo import PhotoHandlers
from spir.app.handlers.pose import PoseHandlers
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


@pytest.mark.parametrize(("problem", "after"), list(zip(LACKS, (0, 1, 3), strict=True)))
def test_without_memory_in_a_step_the_visitor_is_told_and_the_next_run_works(
    runs, context, key, fitted, monkeypatch, problem, after
):
    messages, items = [], fitted.fit.trajectory
    with monkeypatch.context() as broken:
        broken.setattr(context.engine, "invert", failing(problem, after, items))
        with pytest.raises(gr.Error) as caught:
            for message in runs.reconstruct(key, 3):
                messages.append(message)
    assert caught.value.message == text.NO_MEMORY and not caught.value.print_exception
    assert messages[-1] == {"run": key, "state": "failed", "note": text.NO_MEMORY}
    assert list(runs.reconstruct(key, 0))[-1]["state"] == "done"


def test_a_step_without_memory_takes_nothing_of_an_earlier_result(live, runs, fitted_key, monkeypatch):
    before = live(fitted_key).fit
    monkeypatch.setattr(runs.context.engine, "invert", failing(MemoryError()))
    with pytest.raises(gr.Error):
        list(runs.reconstruct(fitted_key, 3))
    assert live(fitted_key).fit is before


@pytest.mark.parametrize("problem", LACKS)
def test_without_memory_for_anything_else_the_visitor_is_told_too(
    runs, context, results, fitted_key, monkeypatch, problem
):
    fitted = fitted_key
    meshing = MeshHandlers(context)
    api = Api(context, PhotoHandlers(context), runs, meshing)
    posing, takeaway = PoseHandlers(context), DownloadHandlers(context, MeshHandlers(context))
    monkeypatch.setattr(context.engine, "turning", failing(problem))
    monkeypatch.setattr(context.engine, "mesh", raising(problem))
    monkeypatch.setattr(context.engine, "render", raising(problem))
    monkeypatch.setattr(context.engine, "appearance", raising(problem))
    for event in (
        lambda: list(results.turn(fitted)),
        lambda: meshing.mesh(fitted, None, 64),
        lambda: takeaway.files(fitted, 64, None),
        lambda: posing.scene(fitted, None),
        lambda: api.recolour(fitted, "{}"),
        lambda: api.export(fitted, "stl", 64),
    ):
        with pytest.raises(gr.Error) as caught:
            event()
        assert caught.value.message == text.NO_MEMORY


def test_without_memory_for_the_cutout_nothing_is_kept(photos, context, sent, car_png, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(context.engine, "segment", raising(MemoryError()))
        with pytest.raises(gr.Error, match="not enough memory"):
            list(photos.segment(sent(car_png), None, visitor("anna")))
    assert not context.store.slots
    assert last(photos.segment(sent(car_png), None, visitor("anna")))[0]


def test_a_photo_that_is_gone_is_told_in_words(photos, tmp_path):
    with pytest.raises(gr.Error) as caught:
        list(photos.segment({"path": str(tmp_path / "gone.jpg")}, None, visitor("anna")))
    assert caught.value.message == text.FAILED and str(tmp_path) not in caught.value.message


def test_a_page_that_a_new_server_does_not_know_is_told_so(runs):
    for line, told in (({"run": "0" * 32, "looked_at": 1}, text.FORGOTTEN), ({"run": ""}, text.NO_PHOTO)):
        with pytest.raises(gr.Error) as caught:
            runs.wait(None, line)
        assert caught.value.message == told
