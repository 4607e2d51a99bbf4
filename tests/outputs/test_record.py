"""run.json says everything, in JSON's own words."""

import json
import platform

import pytest
import torch

from spir.geometry.pose import look_at_pose
from spir.session.record import readable_pose, run_record
from spir.types import Code, Fit, Step


def fit(loss=0.5, focal=1.5):
    some = torch.ones(1)
    pose = look_at_pose(
        -30 * some,
        12 * some,
        3 * some,
        focal=None if focal is None else focal * some,
        scale=0.8 * some,
        shift=torch.tensor([[0.1, -0.2]]),
    )
    code = Code(torch.zeros(1, 1, 4))
    picture = torch.zeros(1, 2, 2, 3)
    steps = tuple(
        Step(index, code, pose, picture, picture[..., 0], torch.tensor([loss / (1 + index)]), 0.1 * index)
        for index in range(3)
    )
    return Fit("car", code, pose, steps)


def record(fit, **more):
    return run_record(
        fit,
        weights_hash="abc",
        device="cpu",
        loss_backend="encoder features",
        segmenter="built-in",
        seed=7,
        **more,
    )


def test_record_is_json_and_says_what_was_run():
    told = record(fit(), outcome="solved", notes={"verdict": "good"})
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["versions"]["python"] == platform.python_version()
    assert told["versions"]["torch"] == torch.__version__
    assert {"numpy", "spir"} <= told["versions"].keys()
    assert (told["weights"], told["device"], told["seed"], told["steps"]) == ("abc", "cpu", 7, 2)
    assert (told["segmenter"], told["loss_backend"]) == ("built-in", "encoder features")
    assert (told["pose_outcome"], told["notes"]) == ("solved", {"verdict": "good"})
    assert told["seconds"] == pytest.approx(0.2)


def test_every_step_has_loss_seconds_and_metrics():
    told = record(fit(), metrics=[{"iou": 0.8}, {"iou": torch.tensor(0.9)}])
    assert [step["step"] for step in told["trajectory"]] == [0, 1, 2]
    assert [step["loss"] for step in told["trajectory"]] == pytest.approx([0.5, 0.25, 1 / 6], abs=1e-5)
    assert [step.get("iou") for step in told["trajectory"]] == [0.8, pytest.approx(0.9), None]


def test_pose_reads_in_degrees():
    told = readable_pose(fit().pose)
    assert told["azimuth_deg"] == pytest.approx(-30, abs=1e-3)
    assert told["elevation_deg"] == pytest.approx(12, abs=1e-3)
    assert told["roll_deg"] == pytest.approx(3, abs=1e-3)
    assert told["focal_widths"] == pytest.approx(1.5, abs=1e-4)
    assert told["scale"] == pytest.approx(0.8)
    assert told["shift"] == pytest.approx([0.1, -0.2])
    assert readable_pose(fit(focal=None).pose)["focal_widths"] is None


def test_what_json_cannot_say_becomes_null():
    told = record(fit(loss=float("inf")))
    assert told["trajectory"][0]["loss"] is None
    json.dumps(told, allow_nan=False)


def test_a_fit_without_steps_has_a_record():
    bare = Fit("car", fit().code, fit().pose)
    told = record(bare)
    assert (told["steps"], told["seconds"], told["trajectory"]) == (0, None, [])
