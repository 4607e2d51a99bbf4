"""Runs as the page streams them: every step once, stopped, taken up again, sent on from another place."""

from dataclasses import replace

import gradio as gr
import pytest
import torch

from spir.app import text as words
from tests.app.conftest import visitor


def frames(messages):
    return [frame for message in messages for frame in message.get("frames", ())]


def numbers(messages):
    return [frame["step"] for frame in frames(messages)]


def way(handlers, key):
    """The codes of all steps."""
    return [step.code.w for step in handlers.runs.get(key).fit.trajectory]


def test_every_step_is_sent_once_in_order(handlers, fitting, key):
    messages = list(fitting.reconstruct(key, 2))
    assert numbers(messages) == [0, 1, 2]
    assert messages[0]["clear"] and messages[-1]["state"] == "done" and messages[-1]["used"] == 2
    assert all(message["run"] == key for message in messages)
    assert all(0 <= frame["iou"] <= 1 and frame["psnr"] > 0 for frame in frames(messages))
    assert "distance" in frames(messages)[0] and "distance" in frames(messages)[-1]
    run = handlers.runs.get(key)
    assert len(run.fit.trajectory) == len(run.metrics) == 3 and handlers.pace.measured


def test_the_first_guess_alone(fitting, key):
    messages = list(fitting.reconstruct(key, 0))
    assert numbers(messages) == [0] and "First guess" in messages[-1]["note"]


def test_more_steps_go_on_behind_the_last_as_if_it_had_never_ended(handlers, fitting, key):
    list(fitting.reconstruct(key, 4))
    whole = way(handlers, key)
    handlers.runs.get(key).fit = None
    list(fitting.reconstruct(key, 2))
    more = list(fitting.reconstruct(key, 4))
    assert numbers(more) == [3, 4] and not any(message.get("clear") for message in more)
    assert more[0]["keep"] == 2 and more[0]["total"] == 4
    assert all(torch.equal(a, b) for a, b in zip(way(handlers, key), whole, strict=True))
    assert len(handlers.runs.get(key).metrics) == 5


def test_fewer_steps_only_look_back(handlers, fitting, key):
    list(fitting.reconstruct(key, 3))
    (message,) = fitting.reconstruct(key, 1)
    run = handlers.runs.get(key)
    assert message["look_at"] == message["used"] == 1 and len(run.fit.trajectory) == 4
    assert torch.equal(run.fit.code.w, run.fit.trajectory[1].code.w) and run.views == ()
    assert numbers(fitting.reconstruct(key, 4)) == [4], "and the way goes on from its end"


def test_after_the_brush_all_begins_anew(handlers, fitting, key):
    list(fitting.reconstruct(key, 1))
    run = handlers.runs.get(key)
    run.cutout = replace(run.cutout)
    messages = list(fitting.reconstruct(key, 1))
    assert numbers(messages) == [0, 1] and run.target is run.cutout


@pytest.mark.parametrize("keep_pose", [True, False])
def test_going_on_from_an_earlier_step(handlers, fitting, key, keep_pose):
    list(fitting.reconstruct(key, 3))
    run = handlers.runs.get(key)
    before = run.fit.trajectory
    messages = list(fitting.proceed(key, {"looked_at": 2}, 2, keep_pose))
    assert messages[0]["keep"] == 1 and numbers(messages) == [2, 3, 4]
    after = run.fit.trajectory
    assert [step.index for step in after] == [0, 1, 2, 3, 4] and after[1] is before[1]
    assert torch.allclose(after[2].code.w, before[2].code.w, atol=1e-6)
    turned = (after[4].pose.quaternion - after[2].pose.quaternion).abs().max() > 1e-6
    assert turned != keep_pose and after[3].seconds > after[2].seconds >= before[2].seconds
    # The new descent can be taken up again, too.
    assert numbers(fitting.reconstruct(key, 5)) == [5]
    assert (run.fit.trajectory[5].pose.quaternion - after[2].pose.quaternion).abs().max() > 1e-6 or keep_pose


def test_without_momentum_it_goes_on_from_rest(handlers, fitting, key):
    list(fitting.reconstruct(key, 2))
    run = handlers.runs.get(key)
    steps = tuple(replace(step, momentum=None) for step in run.fit.trajectory)
    run.fit = replace(run.fit, trajectory=steps)
    assert numbers(fitting.reconstruct(key, 4)) == [2, 3, 4]
    assert [step.index for step in run.fit.trajectory] == [0, 1, 2, 3, 4]


def test_refitting_from_another_place(handlers, fitting, key):
    list(fitting.reconstruct(key, 1))
    run = handlers.runs.get(key)
    wanted = replace(run.fit.pose, shift=run.fit.pose.shift + 0.25)
    start = replace(run.guess, pose=wanted, code=run.fit.code)
    messages = list(fitting.refit(key, 1, lambda known: start))
    assert messages[0]["clear"] and numbers(messages) == [0, 1]
    assert torch.allclose(run.fit.trajectory[0].pose.shift, wanted.shift)
    assert not torch.equal(run.guess.pose.shift, wanted.shift), "the first guess stays what it was"


@pytest.mark.parametrize("value", [None, {}, {"looked_at": "1"}, {"looked_at": 99}, [1]])
def test_a_step_that_is_not_there(fitting, key, value):
    list(fitting.reconstruct(key, 1))
    with pytest.raises(gr.Error) as caught:
        fitting.use(key, value)
    assert caught.value.message == words.NO_RESULT


@pytest.mark.parametrize("steps", [0, 100])
def test_too_few_and_too_many_steps_onward(fitting, key, steps):
    list(fitting.reconstruct(key, 1))
    with pytest.raises(gr.Error) as caught:
        list(fitting.proceed(key, {"looked_at": 1}, steps, False))
    assert caught.value.message == words.TOO_FAR


def test_stop_keeps_the_last_step(handlers, fitting, key):
    messages = []
    for message in fitting.reconstruct(key, 50):
        messages.append(message)
        if len(frames(messages)) == 2:
            fitting.stop(key)
    kept = numbers(messages)[-1]
    assert messages[-1]["state"] == "stopped" and words.stopped(kept) == messages[-1]["note"] and kept < 5
    assert handlers.runs.get(key).fit.trajectory[-1].index == kept


def test_stop_before_the_turn_came_leaves_the_first_guess_and_reconstruct_forgets_it(fitting, key):
    fitting.stop(key)
    assert numbers(fitting.reconstruct(key, 5)) == [0]
    assert fitting.wait(key)["state"] == "waiting"
    assert numbers(fitting.reconstruct(key, 1)) == [1]


def test_a_run_that_nobody_looks_at_ends_silently(handlers, fitting, key):
    run, messages = handlers.runs.get(key), []
    for message in fitting.reconstruct(key, 50):
        messages.append(message)
        if frames(messages):
            handlers.leave(visitor("anna"))
    assert len(frames(messages)) == 1 and run.fit is None and not run.folder.exists()


@pytest.mark.parametrize("steps", [-1, 101, 2.5, "3", None])
def test_a_number_of_steps_that_cannot_be(fitting, key, steps):
    with pytest.raises(gr.Error, match="whole number from 0 to 100"):
        list(fitting.reconstruct(key, steps))


def test_a_failure_inside_ends_in_words(fitting, key, monkeypatch, caplog):
    def broken(*arguments):
        raise RuntimeError("tensor of 7 dimensions")
        yield

    monkeypatch.setattr(fitting, "steps_on_gpu", broken)
    messages = []
    with pytest.raises(gr.Error, match="Something went wrong"):
        for message in fitting.reconstruct(key, 1):
            messages.append(message)
    assert messages[-1]["state"] == "failed" and "7 dimensions" in caplog.text


def test_the_race_is_one_run_of_thirty(handlers, fitting, key):
    list(fitting.reconstruct(key, 2))
    assert numbers(fitting.race(key)) == list(range(3, 31))
    told = handlers.runs.get(key).metrics
    assert [number for number, row in enumerate(told) if "distance" in row] == [0, 2, 10, 30]


def test_warming_up_measures_the_pace(handlers, fitting, key):
    assert not handlers.pace.measured
    fitting.warm(handlers.runs.get(key).cutout)
    assert handlers.pace.measured and handlers.pace.step > 0 and handlers.runs.get(key).fit is None
