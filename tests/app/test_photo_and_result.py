"""A photo and its run as the page's events see them, over a real engine of toy size."""

from pathlib import Path

import gradio as gr
import pytest
import torch

from spir.app import text
from spir.outputs.attention_maps import decode_attention
from spir.session import uploads
from tests.app.conftest import last, visitor
from tests.app.quick_app import FRAMES


def test_a_photo_becomes_a_cutout(live, photos, sent, car_png):
    key, shown, line = last(photos.segment(sent(car_png), None, visitor("anna")))
    assert "transparency" in shown["note"] and shown["photo"] and shown["input"]
    assert line["clear"] and line["run"] == key
    run = live(key)
    assert run.visitor == "anna" and run.upload == car_png.read_bytes()


def test_while_the_object_is_looked_for_the_page_says_so(photos, sent, car_png):
    first = next(iter(photos.segment(sent(car_png), None, visitor("anna"))))
    assert first[0] is None and first[1]["note"] == first[2]["note"] == text.CUTTING


@pytest.mark.parametrize("name", ["text", "empty", "dot"])
def test_a_wrong_file_is_told_in_the_panel_and_as_an_error(photos, context, sent, wrong_files, key, name):
    values = []
    with pytest.raises(gr.Error) as caught:
        for value in photos.segment(sent(wrong_files[name]), key, visitor("anna")):
            values.append(value)
    assert caught.value.message in values[-1][1]["note"] and not caught.value.print_exception
    assert values[-1][0] is None and not context.store.slots, "the earlier photo is gone, as the page shows"


def test_what_was_sent_goes_with_the_run(photos, context, sent, car_png, wrong_files, monkeypatch):
    monkeypatch.setattr(uploads, "MIN_AGE_SECONDS", 0.0)
    photo, wrong = sent(car_png), sent(wrong_files["text"])
    key = last(photos.segment(photo, None, visitor("anna")))[0]
    assert Path(photo["path"]).exists()
    photos.leave(visitor("anna"))
    assert not Path(photo["path"]).exists() and key not in context.store.slots
    with pytest.raises(gr.Error):
        list(photos.segment(wrong, None, visitor("anna")))
    assert not Path(wrong["path"]).exists()


def test_taking_the_photo_away_empties_the_page(live, photos, key):
    folder = live(key).folder
    assert last(photos.segment(None, key, visitor("anna")))[0] is None
    assert not folder.exists()


def test_nothing_can_be_asked_without_photo_or_result(results, runs, key):
    for unknown, told in ((None, text.NO_PHOTO), ("gone", text.FORGOTTEN)):
        with pytest.raises(gr.Error) as caught:
            list(runs.reconstruct(unknown, 1))
        assert caught.value.message == told
    for event in (lambda: list(results.turn(key)), lambda: runs.use(key, {"looked_at": 0})):
        with pytest.raises(gr.Error) as caught:
            event()
        assert caught.value.message == text.NO_RESULT


def test_turning_brings_colours_verdict_and_views_as_they_come(live, results, fitted_key):
    key = fitted_key
    (cleared, colours, verdict), *rest = results.turn(key)
    assert cleared["clear"] and cleared["values"] == len(colours["found"]) == 10
    assert colours["names"][0] == "body paint" and verdict["level"] and verdict["line"]
    assert len(rest) > 1 and all(message["run"] == key and len(message["parts"]) == 1 for message, *_ in rest)
    run = live(key)
    assert sum(len(decode_attention(part, 10, 128, 128)) for part in run.views) == FRAMES
    _, (again, *_) = results.turn(key)
    assert len(again["parts"]) == len(run.views), "kept, and sent at once"


def test_views_of_a_fit_that_is_no_longer_in_use_are_not_kept(live, results, runs, context, fitted_key):
    key = fitted_key
    run = live(key)
    views = results.views(key, context.session(key))
    next(views)
    runs.use(key, {"looked_at": 0})
    assert list(views) == [] and run.views == ()


def test_the_visitors_colours(live, results, context, fitted_key):
    key = fitted_key
    _, colours, _ = next(results.turn(key))
    run = live(key).session
    assert context.with_colours(run, None) is run and context.with_colours(run, {}) is run
    same = context.with_colours(run, {"colours": colours["found"]})
    assert same.fit.code is run.fit.code, "nothing was changed"
    chosen = [*colours["found"][:4], "#00ff00", *colours["found"][5:]]
    before = context.engine.palette(run.fit.code)[0]
    after = context.engine.palette(context.with_colours(run, {"colours": chosen}).fit.code)[0]
    assert after[4].tolist() == [-1, 1, -1] and torch.equal(after[5:], before[5:])
    for wrong in ({"colours": ["red"] * 10}, {"colours": "red"}, {"colours": [1] * 10}):
        with pytest.raises(gr.Error, match="could not be read"):
            context.with_colours(run, wrong)


def test_two_visitors_never_share(live, photos, key, sent, car_png):
    other = last(photos.segment(sent(car_png), None, visitor("bert")))[0]
    photos.leave(visitor("anna"))
    assert live(other).folder.is_dir()
    with pytest.raises(gr.Error):
        live(key)
