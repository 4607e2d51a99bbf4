"""Runs as the page streams them: every step once, stopped, taken up again, sent on from another place."""

from dataclasses import replace

import gradio as gr
import pytest
import torch

from spir.app import text
from tests.app.conftest import visitor
from tests.app.quick_app import PRESETS


def frames(messages):
    return [frame for message in messages for frame in message.get("frames", ())]


def numbers(messages):
    return [frame["step"] for frame in frames(messages)]


def way(live, key):
    """The codes of all steps."""
    return [step.code.w for step in live(key).fit.trajectory]


def test_every_step_is_sent_once_in_order(live, runs, context, key):
    messages = list(runs.reconstruct(key, 2))
    assert numbers(messages) == [0, 1, 2]
    assert messages[0]["clear"] and messages[-1]["state"] == "done" and messages[-1]["used"] == 2
    assert all(message["run"] == key for message in messages)
    assert all(0 <= frame["iou"] <= 1 and frame["psnr"] > 0 for frame in frames(messages))
    assert "distance" in frames(messages)[0] and "distance" in frames(messages)[-1]
    run = live(key)
    assert len(run.fit.trajectory) == len(run.metrics) == 3 and context.estimate.measured


def test_the_first_guess_alone(runs, key):
    messages = list(runs.reconstruct(key, 0))
    assert numbers(messages) == [0] and "First guess" in messages[-1]["note"]


def test_more_steps_go_on_behind_the_last_as_if_it_had_never_ended(live, runs, key, fitted):
    list(runs.reconstruct(key, 1))
    more = list(runs.reconstruct(key, 2))
    assert numbers(more) == [2] and not any(message.get("clear") for message in more)
    assert more[0]["keep"] == 1 and more[0]["total"] == 2
    whole = [step.code.w for step in fitted.fit.trajectory]
    assert all(torch.equal(a, b) for a, b in zip(way(live, key), whole, strict=True))
    assert len(live(key).metrics) == 3


def test_fewer_steps_only_look_back(live, runs, fitted_key):
    key = fitted_key
    (message,) = runs.reconstruct(key, 1)
    run = live(key)
    assert message["look_at"] == message["used"] == 1 and len(run.fit.trajectory) == 3
    assert torch.equal(run.fit.code.w, run.fit.trajectory[1].code.w) and run.views == ()
    assert numbers(runs.reconstruct(key, 3)) == [3], "and the way goes on from its end"


def test_after_the_brush_all_begins_anew(live, runs, fitted_key):
    key = fitted_key
    run = live(key)
    run.change(cutout=replace(run.cutout))
    messages = list(runs.reconstruct(key, 1))
    assert numbers(messages) == [0, 1] and run.fitted_cutout is run.cutout


@pytest.mark.parametrize("keep_pose", [True, False])
def test_going_on_from_an_earlier_step(live, runs, fitted_key, keep_pose):
    key = fitted_key
    run = live(key)
    before = run.fit.trajectory
    messages = list(runs.proceed(key, {"looked_at": 1}, 2, keep_pose))
    assert messages[0]["keep"] == 0 and numbers(messages) == [1, 2, 3]
    after = run.fit.trajectory
    assert [step.index for step in after] == [0, 1, 2, 3] and after[0] is before[0]
    assert torch.allclose(after[1].code.w, before[1].code.w, atol=1e-6)
    turned = (after[3].pose.quaternion - after[1].pose.quaternion).abs().max() > 1e-6
    assert turned != keep_pose and after[2].seconds > after[1].seconds >= before[1].seconds
    # The new descent can be taken up again, too.
    assert numbers(runs.reconstruct(key, 4)) == [4]
    assert (run.fit.trajectory[4].pose.quaternion - after[1].pose.quaternion).abs().max() > 1e-6 or keep_pose


def test_without_momentum_it_goes_on_from_rest(live, runs, fitted_key):
    key = fitted_key
    run = live(key)
    (segment,) = run.result.trajectory.segments
    segment = replace(segment, steps=tuple(replace(step, momentum=None) for step in segment.steps))
    trajectory = replace(run.result.trajectory, segments=(segment,))
    run.change(result=replace(run.result, trajectory=trajectory))
    assert numbers(runs.reconstruct(key, 3)) == [2, 3]
    assert [step.index for step in run.fit.trajectory] == [0, 1, 2, 3]


def test_refitting_from_another_place(live, runs, fitted_key):
    key = fitted_key
    run = live(key)
    wanted = replace(run.fit.pose, shift=run.fit.pose.shift + 0.25)
    run.change(camera=wanted)
    messages = list(runs.refit(key, 1))
    assert messages[0]["clear"] and numbers(messages) == [0, 1]
    assert torch.allclose(run.fit.trajectory[0].pose.shift, wanted.shift)
    assert not torch.equal(run.guess.pose.shift, wanted.shift), "the first guess stays what it was"


@pytest.mark.parametrize("value", [None, {}, {"looked_at": "1"}, {"looked_at": 99}, [1]])
def test_a_step_that_is_not_there(runs, fitted_key, value):
    with pytest.raises(gr.Error) as caught:
        runs.use(fitted_key, value)
    assert caught.value.message == text.NO_RESULT


@pytest.mark.parametrize("steps", [0, 100])
def test_too_few_and_too_many_steps_onward(runs, fitted_key, steps):
    with pytest.raises(gr.Error) as caught:
        list(runs.proceed(fitted_key, {"looked_at": 1}, steps, False))
    assert caught.value.message == text.TOO_FAR


def test_stop_keeps_the_last_step(live, runs, key):
    messages = []
    for message in runs.reconstruct(key, 50):
        messages.append(message)
        if len(frames(messages)) == 2:
            runs.stop(key)
    kept = numbers(messages)[-1]
    assert messages[-1]["state"] == "stopped" and text.stopped(kept) == messages[-1]["note"] and kept < 5
    assert live(key).fit.trajectory[-1].index == kept


def test_stop_before_the_turn_came_leaves_the_first_guess_and_reconstruct_forgets_it(runs, key):
    runs.stop(key)
    assert numbers(runs.reconstruct(key, 5)) == [0]
    assert runs.wait(key)["state"] == "waiting"
    assert numbers(runs.reconstruct(key, 1)) == [1]


def test_a_run_that_nobody_looks_at_ends_silently(live, runs, photos, key):
    run, messages = live(key), []
    for message in runs.reconstruct(key, 50):
        messages.append(message)
        if frames(messages):
            photos.leave(visitor("anna"))
    assert len(frames(messages)) == 1 and run.result is None and not run.folder.exists()


@pytest.mark.parametrize("steps", [-1, 101, 2.5, "3", None])
def test_a_number_of_steps_that_cannot_be(runs, key, steps):
    with pytest.raises(gr.Error, match="whole number from 0 to 100"):
        list(runs.reconstruct(key, steps))


def test_a_failure_inside_ends_in_words(runs, key, monkeypatch, caplog):
    def broken(*arguments, **options):
        raise RuntimeError("tensor of 7 dimensions")
        yield

    monkeypatch.setattr(runs.context.engine, "invert", broken)
    messages = []
    with pytest.raises(gr.Error, match="Something went wrong"):
        for message in runs.reconstruct(key, 1):
            messages.append(message)
    assert messages[-1]["state"] == "failed" and "7 dimensions" in caplog.text


def test_the_comparison_is_one_run_of_the_longest(live, runs, fitted_key):
    assert numbers(runs.compare(fitted_key)) == [3, 4]
    told = live(fitted_key).metrics
    assert [number for number, row in enumerate(told) if "distance" in row] == [*PRESETS]


def test_warming_up_measures_the_pace(live, runs, context, key):
    assert not context.estimate.measured
    runs.warm(live(key).cutout)
    assert context.estimate.measured and context.estimate.step > 0 and live(key).result is None
