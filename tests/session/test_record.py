"""run.json says everything, in JSON's own words."""

import json
import platform
from dataclasses import asdict, replace

import pytest
import torch

from spir.appearance.config import FINE
from spir.geometry.pose import look_at_pose
from spir.pipeline import preset
from spir.runtime import code_version
from spir.session import actions
from spir.session.record import readable_pose, run_record


def pose(focal=1.5):
    some = torch.ones(1)
    return look_at_pose(
        -30 * some,
        12 * some,
        3 * some,
        focal=None if focal is None else focal * some,
        scale=0.8 * some,
        shift=torch.tensor([[0.1, -0.2]]),
    )


def test_a_record_is_json_and_says_what_was_run(engine, fitted):
    record = run_record(engine, fitted, {"verdict": "good"}, FINE)
    assert json.loads(json.dumps(record, allow_nan=False))["notes"] == {"verdict": "good"}
    assert record["versions"]["python"] == platform.python_version()
    assert record["versions"]["torch"] == torch.__version__ and {"numpy", "spir"} <= record["versions"].keys()
    assert (record["weights"], record["device"]) == (engine.weights_hash, "cpu")
    assert (record["segmenter"], record["loss_backend"]) == (fitted.segmenter, engine.loss_backend)
    assert record["pose_outcome"] == fitted.guess.outcome[0].value and record["steps"] == 3
    assert record["code"] == code_version() and record["appearance"] == asdict(FINE)
    assert record["inversion"] == [{"first_step": 0, **asdict(preset(3))}]


def test_every_descent_is_named_with_its_numbers(engine, fitted):
    config = replace(preset(1), optimise_pose=False, seed=5)
    *_, session = actions.branch(engine, fitted, 2, config)
    first, second = run_record(engine, session)["inversion"]
    assert first["first_step"] == 0 and first["optimise_pose"]
    assert second == {"first_step": 2, **asdict(config)}


def test_every_step_has_loss_seconds_and_metrics(engine, fitted):
    rows = run_record(engine, fitted)["trajectory"]
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    losses = [float(step.loss) for step in fitted.fit.trajectory]
    assert [row["loss"] for row in rows] == pytest.approx(losses, rel=1e-5)
    assert all({"iou", "psnr", "seconds"} <= row.keys() for row in rows)


def test_pose_reads_in_degrees():
    told = readable_pose(pose())
    assert told["azimuth_deg"] == pytest.approx(-30, abs=1e-3)
    assert told["elevation_deg"] == pytest.approx(12, abs=1e-3)
    assert told["roll_deg"] == pytest.approx(3, abs=1e-3)
    assert told["focal_widths"] == pytest.approx(1.5, abs=1e-4)
    assert told["scale"] == pytest.approx(0.8)
    assert told["shift"] == pytest.approx([0.1, -0.2])
    assert readable_pose(pose(focal=None))["focal_widths"] is None


def test_what_json_cannot_say_becomes_null(engine, fitted):
    trajectory = fitted.result.trajectory
    (segment,) = trajectory.segments
    endless = tuple(replace(step, loss=torch.tensor([torch.inf])) for step in segment.steps)
    trajectory = replace(trajectory, segments=(replace(segment, steps=endless),))
    record = run_record(engine, replace(fitted, result=replace(fitted.result, trajectory=trajectory)))
    assert record["trajectory"][0]["loss"] is None and json.dumps(record, allow_nan=False)
