"""The examples of the page: there at once, everybody's own, and never in the way."""

import json
from pathlib import Path

import gradio as gr
import pytest

from spir.app import text as words
from spir.app.handlers.base import Handlers
from spir.app.handlers.downloads import Takeaway
from spir.app.handlers.mesh import COARSEST, Meshing
from spir.app.sessions import Runs
from spir.app.widgets.examples import widget as room
from spir.app.widgets.examples.widget import FIRST, Examples
from spir.pipeline import Reconstructor
from tests.app.conftest import last, visitor


@pytest.fixture
def shelf(handlers, fitting, key, tmp_path, monkeypatch):
    """Two examples, made by the toy engine."""
    list(fitting.reconstruct(key, 1))
    takeaway = Takeaway(handlers, Meshing(handlers))
    zips = [path for path in takeaway.files(key, COARSEST, None)[0] if path.endswith(".zip")]
    rows = [{"name": name, "title": name, "alt": f"a {name}", "failure": ""} for name in ("one", "two")]
    for row in rows:
        (tmp_path / f"{row['name']}.zip").write_bytes(Path(zips[0]).read_bytes())
        (tmp_path / f"{row['name']}.jpg").write_bytes(b"a picture")
    (tmp_path / "index.json").write_text(json.dumps(rows))
    monkeypatch.setattr(room, "FOLDER", tmp_path)
    return Examples(takeaway)


def test_the_page_opens_with_the_first(shelf, handlers):
    painted = shelf.painted()
    assert {value.get("run", FIRST) for value in painted.values()} == {FIRST}
    assert len(painted["timeline"]["frames"]) == 2 and painted["verdict"]["level"]
    assert len(painted["orbit"]["parts"]) == 1 and painted["orbit"]["more"]
    assert len(painted["swatches"]["found"]) == 10
    assert len(handlers.runs.runs) == 1, "nobody's run stays"


def test_every_visitor_gets_a_run_of_his_own(shelf, handlers):
    anna, bert = (shelf.welcome(10, visitor(name))[0] for name in ("anna", "bert"))
    one, two = handlers.runs.get(anna), handlers.runs.get(bert)
    assert one.fit is two.fit and one.folder != two.folder
    one.metrics = one.views = ()
    assert two.metrics and two.views and shelf.first["metrics"]
    handlers.leave(visitor("anna"))
    assert handlers.runs.get(bert) is two


def test_a_click_opens_an_example_in_place_of_what_was_there(shelf, handlers, key):
    fresh, shown, line = last(shelf.open({"chosen": "two"}, key, visitor("anna")))
    assert key not in handlers.runs.runs and shown["run"] == line["run"] == fresh
    assert list(handlers.turn(fresh))[1][0]["parts"], "the views are there at once"


@pytest.mark.parametrize(
    "value", [None, {}, {"chosen": "three"}, {"chosen": "../../etc/passwd"}, {"chosen": ["one"]}]
)
def test_an_example_that_is_not_there(shelf, handlers, key, value):
    with pytest.raises(gr.Error) as caught:
        list(shelf.open(value, key, visitor("anna")))
    assert caught.value.message == words.NO_EXAMPLE and key in handlers.runs.runs


def test_without_examples_the_page_is_empty_but_works(handlers, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "FOLDER", tmp_path / "nowhere")
    empty = Examples(Takeaway(handlers, Meshing(handlers)))
    assert empty.painted() == {} and empty.welcome(10, visitor("anna"))[0] is None
    assert empty.strip().value["examples"] == []


def test_examples_of_other_weights_are_left_out(shelf, monkeypatch):
    monkeypatch.setattr(shelf.takeaway.engine, "weights_hash", "0123456789abcdef")
    assert shelf.painted() == {}


def test_the_shipped_first_example_is_of_the_shipped_weights(tmp_path):
    handlers = Handlers(Reconstructor.load(device="cpu", loss="encoder"), Runs(root=tmp_path))
    painted = Examples(Takeaway(handlers, Meshing(handlers))).painted()
    assert len(painted["timeline"]["frames"]) == 31 and painted["verdict"]["level"] == "good"
