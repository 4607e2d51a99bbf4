"""Two objects mixed: the grid's corners are the direct edits, and what is picked is what is used."""

import base64
import copy
import io
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from spir.app import text
from spir.app.context import AppContext
from spir.app.handlers import mixing
from spir.app.handlers.mixing import MixingHandlers
from spir.app.widgets.mixing.widget import SLIDERS, status
from spir.outputs.edits import mix_colours, mix_shape
from spir.session.store import SessionStore
from spir.types import Code
from tests.app.conftest import last

NOTHING = [0.0] * len(SLIDERS)


def refused(message, event):
    with pytest.raises(gr.Error) as caught:
        event()
    assert caught.value.message == message


def picture(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))).astype(int)


@pytest.fixture(scope="module")
def second_png(tmp_path_factory):
    path = tmp_path_factory.mktemp("second") / "second.png"
    pixels = np.zeros((90, 140, 4), np.uint8)
    pixels[20:70, 15:120] = (30, 90, 200, 255)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def second(sent, second_png):
    """The file of a second photo, as Gradio hands it over."""
    return sent(second_png)


@pytest.fixture
def events(context):
    # Pictures of full size would take most of the time of these tests.
    return small_pictures(context)


def small_pictures(context):
    render = context.engine.render
    context.engine.render = lambda fit, size: render(fit, 48)
    return MixingHandlers(context)


@pytest.fixture
def key(fitted_key):
    return fitted_key


@pytest.fixture
def run(live, key):
    return live(key)


@pytest.fixture(scope="module")
def blended(engine, fitted, second_png, tmp_path_factory):
    """The session with a grid, and the cells of the grid; the toy's encoder knows nothing, so the other object is made
    to be another."""
    context = AppContext(copy.copy(engine), SessionStore(tmp_path_factory.mktemp("blended")))
    events, key = small_pictures(context), context.store.open("anna", fitted)
    last(events.second({"path": str(second_png)}, key))
    generator, slot = engine.generator, context.slot(key)
    change = torch.randn(1, generator.num_ws, 16, generator=torch.Generator().manual_seed(5))
    code = Code(generator.w_plus(fitted.fit.code) + 0.15 * change)
    slot.session = replace(slot.session, second=replace(slot.session.second, code=code, steps=0))
    cells = last(events.grid(None, key, None, 0))["cells"]
    return slot.session, cells


@pytest.fixture
def mixed(run, blended):
    run.slot.session = blended[0]
    return blended[1]


def test_a_second_photo_is_cut_out(events, run, key, second):
    messages = list(events.second(second, key))
    assert messages[0]["note"] == text.CUTTING_SECOND and messages[-1]["note"] == text.MIX_READY
    assert picture(messages[-1]["second"]).shape[:2] == (128, 128) and run.second.code is None
    assert str(run.files[-1]) == second["path"], "and goes with the run"
    assert last(events.second(None, key))["second"] is None and run.second is None


def test_a_second_file_that_is_no_photo_is_told(events, run, key, sent, wrong_files):
    messages = []
    with pytest.raises(gr.Error, match="not a picture"):
        for message in events.second(sent(wrong_files["text"]), key):
            messages.append(message)
    assert "not a picture" in messages[-1]["note"] and run.second is None


def test_the_second_photo_is_looked_at_once_for_as_many_steps(events, run, key, second, monkeypatch):
    looks, invert = [], events.context.engine.invert

    def counted(cutout, guess, config):
        looks.append(config.steps)
        return invert(cutout, guess, replace(config, steps=min(config.steps, 1)))

    monkeypatch.setattr(events.context.engine, "invert", counted)
    monkeypatch.setattr(events, "pictures", lambda fit, codes: ["a picture" for code in codes])
    messages = list(events.grid(second, key, None, 0))
    assert looks == [0] and [len(m["cells"]) for m in messages if "cells" in m] == [3, 6, 9]
    assert messages[-1]["note"] == text.MIX_DONE and text.MIX_READY in [m["note"] for m in messages]
    list(events.grid(None, key, None, 0))
    list(events.grid(None, key, None, 10))
    assert looks == [0, 10] and run.second.code is not None


def test_the_corners_are_the_direct_edits_and_the_middle_is_between(events, run, mixed):
    generator, mine, other = events.context.engine.generator, run.fit.code, run.second.code
    found = {
        place: events.blend(mine, mixing.amounts_at(*place), other)
        for place in ((0, 0), (0, 2), (2, 0), (2, 2), (1, 1))
    }
    direct = {
        (0, 0): mine,
        (0, 2): mix_colours(generator, mine, 1.0, other),
        (2, 0): mix_shape(generator, mine, 1.0, other),
        (2, 2): mix_colours(generator, mix_shape(generator, mine, 1.0, other), 1.0, other),
    }
    for place, code in direct.items():
        assert torch.equal(found[place].w.expand(-1, generator.num_ws, -1), generator.w_plus(code)), place
        assert torch.equal(
            events.context.engine.palette(found[place]), events.context.engine.palette(code)
        ), place
    assert torch.allclose(
        events.context.engine.palette(found[2, 2]), events.context.engine.palette(other), atol=1e-6
    )
    between = (generator.w_plus(mine) + generator.w_plus(other))[:, :-1] / 2
    assert torch.allclose(found[1, 1].w[:, :-1], between, atol=1e-6)
    assert len({tuple(picture(cell).ravel()) for cell in mixed}) == 9


def test_the_grid_shows_what_its_codes_render(events, run, mixed):
    for place in ((0, 0), (1, 2), (2, 0)):
        code = events.blend(run.fit.code, mixing.amounts_at(*place), run.second.code)
        (alone,) = events.pictures(run.fit, [code])
        assert np.abs(picture(alone) - picture(mixed[3 * place[0] + place[1]])).max() <= 8


def test_a_visitors_colours_count_in_the_grid(events, run, key, mixed):
    green = {"colours": ["#00ff00"] * 10}
    cells = last(events.grid(None, key, green, 0))["cells"]
    middle = [picture(cell)[24, 24] for cell in cells]
    assert (middle[0][1] > middle[0][[0, 2]]).all() and not np.array_equal(
        middle[0], picture(mixed[0])[24, 24]
    )
    events.use(key, None, {"cell": [0, 0]})
    assert torch.allclose(
        events.context.engine.palette(run.fit.code)[0], torch.tensor([-1.0, 1, -1]), atol=1e-2
    )


def test_a_cell_becomes_the_object_and_the_grid_stays_what_it_was(events, run, key, mixed):
    before = run.fit
    events.use(key, None, {"cell": [2, 0]})
    assert torch.equal(
        events.context.engine.generator.planes(run.fit.code),
        events.context.engine.generator.planes(run.second.code),
    )
    assert torch.equal(
        events.context.engine.palette(run.fit.code), events.context.engine.palette(before.code)
    )
    assert run.fit.pose is before.pose and run.fit.trajectory[-1] is before.trajectory[-1]
    events.use(key, None, {"cell": [0, 0]})
    assert torch.equal(
        events.context.engine.generator.w_plus(run.fit.code),
        events.context.engine.generator.w_plus(before.code),
    )


def test_blends_of_an_earlier_result_are_not_used(events, run, key, mixed):
    (segment,) = run.result.trajectory.segments
    again = replace(segment, steps=tuple(replace(step) for step in segment.steps))
    trajectory = replace(run.result.trajectory, segments=(again,))
    run.change(result=replace(run.result, trajectory=trajectory))
    refused(text.MIX_AGAIN, lambda: events.use(key, None, {"cell": [1, 1]}))


def test_sliders_show_and_give_the_same_object(events, run, key, mixed):
    before = run.fit
    still = events.preview(key, None, *NOTHING)["live"]
    moved = events.preview(key, None, *(0.5 if name == "mix_shape" else 0.0 for name in SLIDERS))["live"]
    assert not np.array_equal(picture(still["picture"]), picture(moved["picture"]))
    events.use(key, None, {"amounts": moved["amounts"]})
    expected = mix_shape(events.context.engine.generator, before.code, 0.5, run.second.code)
    assert torch.equal(run.fit.code.w, expected.w)


def test_width_and_height_need_no_second_photo_but_mixing_does(events, run, key):
    values = [1.0 if name == "height" else 0.0 for name in SLIDERS]
    assert events.preview(key, None, *values)["live"]["amounts"]["height"] == 1
    assert events.preview(key, None, *(0.5 for _ in SLIDERS)) == status(key, text.NO_SECOND)
    refused(text.NO_SECOND, lambda: list(events.grid(None, key, None, 0)))
    refused(text.NO_SECOND, lambda: list(events.borrow(None, key, 0)))
    refused(text.NO_SECOND, lambda: events.use(key, None, {"amounts": {"mix_shape": 1.0}}))


def test_the_colours_of_the_second_photo(events, run, key, second):
    messages = list(events.borrow(second, key, 0))
    borrowed = messages[-1][1]["borrowed"]
    assert len(borrowed) == 10 and messages[-1][0]["note"] == text.BORROWED
    assert run.second.code is not None and borrowed[0].startswith("#")


CELLS = [None, [0], [0, 3], [-1, 0], [True, 0], [0.0, 1], "01", {"row": 1}]
AMOUNTS = [
    {"mix_shape": 1.1},
    {"recolour": 1.0},
    {"height": float("nan")},
    {"height": "1"},
    [1],
    {"width": True},
]


def test_what_the_page_made_up_is_refused(events, run, key):
    for cell in CELLS:
        refused(text.NOTHING_PICKED, lambda cell=cell: events.use(key, None, {"cell": cell}))
    refused(text.NOTHING_PICKED, lambda: events.use(key, None, None))
    for amounts in AMOUNTS:
        refused(text.BAD_AMOUNT, lambda amounts=amounts: events.use(key, None, {"amounts": amounts}))
    for steps in (5, None, "10", -1):
        refused(text.BAD_STEPS, lambda steps=steps: list(events.grid(None, key, None, steps)))
        refused(text.BAD_STEPS, lambda steps=steps: list(events.borrow(None, key, steps)))


def test_a_photo_replaced_meanwhile_ends_its_grid(events, run, key, mixed):
    messages = []
    for message in events.grid(None, key, None, 0):
        messages.append(message)
        run.change(second=replace(run.second, cutout=replace(run.second.cutout)))
    assert len(messages) == 1


def test_a_failure_inside_ends_in_words(events, run, key, mixed, monkeypatch, caplog):
    def broken(fit, size):
        raise RuntimeError("tensor of 7 dimensions")

    monkeypatch.setattr(events.context.engine, "render", broken)
    refused(text.FAILED, lambda: list(events.grid(None, key, None, 0)))
    assert "7 dimensions" in caplog.text


def test_nothing_without_a_result(context, events, cut_out):
    key = context.store.open("anna", cut_out)
    refused(text.NO_RESULT, lambda: events.use(key, None, {"cell": [0, 0]}))
    refused(text.NO_PHOTO, lambda: list(events.second({"path": "x"}, None)))
