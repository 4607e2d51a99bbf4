"""The page's events as plain functions, over a real engine of toy size."""

import gradio as gr
import pytest
import torch

from spir.ui import words
from tests.ui.conftest import FRAMES, last, visitor


def frames(messages):
    return [frame for message in messages for frame in message.get("frames", ())]


def test_a_photo_becomes_a_cutout(handlers, car_png):
    key, shown, line, turn, colours = last(handlers.segment({"path": str(car_png)}, None, visitor("anna")))
    assert "transparency" in shown["note"] and shown["overlay"] and shown["input"]
    assert line["clear"] and line["run"] == key and not turn["views"] and not colours["colours"]
    assert handlers.runs.get(key).session == "anna"


@pytest.mark.parametrize("name", ["text", "empty", "dot"])
def test_a_wrong_file_is_told_in_the_panel_and_as_an_error(handlers, wrong_files, key, name):
    values = []
    with pytest.raises(gr.Error) as caught:
        for value in handlers.segment({"path": str(wrong_files[name])}, key, visitor("anna")):
            values.append(value)
    assert caught.value.message in values[-1][1]["note"] and not caught.value.print_exception
    assert values[-1][0] is None and not handlers.runs.runs, "the earlier photo is gone, as the page shows"


def test_taking_the_photo_away_empties_the_page(handlers, key):
    folder = handlers.runs.get(key).folder
    assert last(handlers.segment(None, key, visitor("anna")))[0] is None
    assert not folder.exists()


def test_every_step_is_sent_once_in_order(handlers, key):
    messages = list(handlers.reconstruct(key, 2))
    assert [frame["step"] for frame in frames(messages)] == [0, 1, 2]
    assert messages[0]["clear"] and messages[-1]["state"] == "done"
    assert all(message["run"] == key for message in messages)
    assert all(0 <= frame["iou"] <= 1 for frame in frames(messages))
    run = handlers.runs.get(key)
    assert len(run.fit.trajectory) == len(run.metrics) == 3 and handlers.pace.measured


def test_the_first_guess_alone(handlers, key):
    messages = list(handlers.reconstruct(key, 0))
    assert [frame["step"] for frame in frames(messages)] == [0] and "First guess" in messages[-1]["note"]


def test_stop_keeps_the_last_step(handlers, key):
    messages = []
    for message in handlers.reconstruct(key, 50):
        messages.append(message)
        if len(frames(messages)) == 2:
            handlers.stop(key)
    kept = frames(messages)[-1]["step"]
    assert messages[-1]["state"] == "stopped" and words.stopped(kept) == messages[-1]["note"] and kept < 5
    assert handlers.runs.get(key).fit.trajectory[-1].index == kept


def test_stop_before_the_turn_came_leaves_the_first_guess_and_reconstruct_forgets_it(handlers, key):
    handlers.stop(key)
    assert [frame["step"] for frame in frames(handlers.reconstruct(key, 5))] == [0]
    assert handlers.wait(key)["state"] == "waiting"
    assert [frame["step"] for frame in frames(handlers.reconstruct(key, 1))] == [0, 1]


def test_a_run_that_nobody_looks_at_ends_silently(handlers, key):
    run, messages = handlers.runs.get(key), []
    for message in handlers.reconstruct(key, 50):
        messages.append(message)
        if frames(messages):
            handlers.leave(visitor("anna"))
    assert len(frames(messages)) == 1 and run.fit is None and not run.folder.exists()


@pytest.mark.parametrize("steps", [-1, 101, 2.5])
def test_a_number_of_steps_that_cannot_be(handlers, key, steps):
    with pytest.raises(gr.Error, match="whole number from 0 to 100"):
        list(handlers.reconstruct(key, steps))


def test_a_failure_inside_ends_in_words(handlers, key, monkeypatch, caplog):
    def broken(cutout, config):
        raise RuntimeError("tensor of 7 dimensions")
        yield

    monkeypatch.setattr(handlers, "steps_on_gpu", broken)
    messages = []
    with pytest.raises(gr.Error, match="Something went wrong"):
        for message in handlers.reconstruct(key, 1):
            messages.append(message)
    assert messages[-1]["state"] == "failed" and "7 dimensions" in caplog.text


def test_nothing_can_be_asked_without_photo_or_result(handlers, key):
    for unknown, told in ((None, words.NO_PHOTO), ("gone", words.FORGOTTEN)):
        with pytest.raises(gr.Error) as caught:
            list(handlers.reconstruct(unknown, 1))
        assert caught.value.message == told
    for event in (lambda: list(handlers.turn(key)), lambda: handlers.recolour(key, {})):
        with pytest.raises(gr.Error) as caught:
            event()
        assert caught.value.message == words.NO_RESULT


def test_turning_and_recolouring(handlers, key):
    list(handlers.reconstruct(key, 0))
    turn, colours = last(handlers.turn(key))
    assert len(turn["views"]) == len(set(turn["views"])) == FRAMES
    assert len(colours["colours"]) == 10 and colours["names"][0] == "body paint"
    before = handlers.engine.palette(handlers.runs.get(key).fit.code)[0]
    colours["colours"] = [*colours["colours"][:4], "#00ff00", *colours["colours"][5:]]
    again = handlers.recolour(key, colours)
    assert again["run"] == turn["run"] and again["views"][0] != turn["views"][0]
    after = handlers.engine.palette(handlers.runs.get(key).fit.code)[0]
    assert after[4].tolist() == [-1, 1, -1] and torch.equal(after[5:], before[5:])
    with pytest.raises(gr.Error, match="could not be read"):
        handlers.recolour(key, {"colours": ["red"] * 10})


def test_two_visitors_never_share(handlers, key, car_png):
    other = last(handlers.segment({"path": str(car_png)}, None, visitor("bert")))[0]
    handlers.leave(visitor("anna"))
    assert handlers.runs.get(other).folder.is_dir()
    with pytest.raises(gr.Error):
        handlers.run(key)
