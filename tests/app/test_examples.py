"""The examples of the page: there at once, everybody's own, and never in the way."""

import json

import gradio as gr
import pytest

from spir.app import text
from spir.app.context import AppContext
from spir.app.handlers.downloads import DownloadHandlers
from spir.app.handlers.examples import FIRST, ExampleHandlers
from spir.app.handlers.mesh import MeshHandlers
from spir.app.widgets.examples import widget as room
from spir.pipeline import Reconstructor
from spir.session.store import SessionStore
from tests.app.conftest import last, visitor


@pytest.fixture
def shelf(downloads, packed, tmp_path, monkeypatch):
    """Two examples, made by the toy engine."""
    rows = [{"name": name, "title": name, "alt": f"a {name}", "failure": ""} for name in ("one", "two")]
    for row in rows:
        (tmp_path / f"{row['name']}.zip").write_bytes(packed[1]["car.zip"])
        (tmp_path / f"{row['name']}.jpg").write_bytes(b"a picture")
    (tmp_path / "index.json").write_text(json.dumps(rows))
    monkeypatch.setattr(room, "FOLDER", tmp_path)
    return ExampleHandlers(downloads)


def test_the_page_opens_with_the_first(context, shelf):
    painted = shelf.initial_values()
    assert {value.get("run", FIRST) for value in painted.values()} == {FIRST}
    assert len(painted["timeline"]["frames"]) == 3 and painted["verdict"]["level"]
    assert len(painted["orbit"]["parts"]) == 1 and painted["orbit"]["more"]
    assert len(painted["swatches"]["found"]) == 10
    assert not context.store.slots, "nobody's run stays"


def test_every_visitor_gets_a_run_of_his_own(live, photos, shelf):
    anna, bert = (shelf.open_first_example(10, visitor(name))[0] for name in ("anna", "bert"))
    one, two = live(anna), live(bert)
    assert one.result.step.code is two.result.step.code and one.folder != two.folder
    one.change(result=None)
    assert two.metrics and two.views and shelf.first.result.trajectory.metrics
    photos.leave(visitor("anna"))
    assert live(bert).slot is two.slot


def test_a_click_opens_an_example_in_place_of_what_was_there(results, context, shelf, key):
    fresh, shown, line = last(shelf.open({"chosen": "two"}, key, visitor("anna")))
    assert key not in context.store.slots and shown["run"] == line["run"] == fresh
    assert list(results.turn(fresh))[1][0]["parts"], "the views are there at once"


@pytest.mark.parametrize(
    "value", [None, {}, {"chosen": "three"}, {"chosen": "../../etc/passwd"}, {"chosen": ["one"]}]
)
def test_an_example_that_is_not_there(context, shelf, key, value):
    with pytest.raises(gr.Error) as caught:
        list(shelf.open(value, key, visitor("anna")))
    assert caught.value.message == text.NO_EXAMPLE and key in context.store.slots


def test_without_examples_the_page_is_empty_but_works(context, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "FOLDER", tmp_path / "nowhere")
    empty = ExampleHandlers(DownloadHandlers(context, MeshHandlers(context)))
    assert empty.initial_values() == {} and empty.open_first_example(10, visitor("anna"))[0] is None
    assert empty.strip().value["examples"] == []


def test_examples_of_other_weights_are_left_out(shelf, monkeypatch):
    monkeypatch.setattr(shelf.context.engine, "weights_hash", "0123456789abcdef")
    assert shelf.initial_values() == {}


def test_the_shipped_first_example_is_of_the_shipped_weights(tmp_path):
    engine = Reconstructor.load(device="cpu", loss="encoder")
    context = AppContext(engine, SessionStore(tmp_path))
    painted = ExampleHandlers(DownloadHandlers(context, MeshHandlers(context))).initial_values()
    assert len(painted["timeline"]["frames"]) == 31 and painted["verdict"]["level"] == "good"
