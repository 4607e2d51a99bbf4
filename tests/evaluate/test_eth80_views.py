"""Novel views of the toys: the alignment brings a fit back under the data set's own cameras."""

from dataclasses import replace

import pytest
import torch

from spir.evaluate.benchmarks import eth80, eth80_views
from spir.evaluate.runs import view
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import about_axis, multiply
from spir.types import Code


def test_every_second_view_from_above_goes_in(eth80_folder):
    assert [seen.name for seen in eth80_views.inputs(eth80_folder)] == ["car1-066-297", "car11-066-297"]


def test_size_and_place_are_taken_from_the_outline(reconstructor):
    torch.manual_seed(0)
    code = Code(reconstructor.generator.w_plus(Code(torch.randn(1, 1, 16))))
    like = torch.ones(1)
    pose = look_at_pose(30 * like, 10 * like, focal=2 * like, scale=0.5 * like)
    target = view(reconstructor, code, camera_from_pose(pose), eth80_views.SIZE).alpha
    moved = replace(pose, scale=pose.scale * 1.4, shift=pose.shift + 0.2)
    assert eth80_views.aligned_iou(reconstructor, code, moved, target) > 0.9


def test_the_turn_takes_the_fit_to_the_other_camera(reconstructor, eth80_folder):
    """A fit whose frame is turned against the data set's is turned back: whatever its frame, the same score."""
    given = eth80_views.inputs(eth80_folder)[0]
    first = eth80_views.score_input(reconstructor, given, eth80_folder, (0,))
    assert first["car"] == "1" and 0 <= first["0"] <= 1
    truth = given.rotation
    fit = multiply(truth, about_axis(1, torch.tensor([37.0])))
    turn = multiply(eth80_views.conjugate(truth), fit)
    assert torch.allclose(multiply(truth, turn), fit, atol=1e-6)


def test_means_over_inputs_and_cars():
    records = [{"name": "a", "car": "1", "0": 0.5, "10": 0.7}, {"name": "b", "car": "2", "0": 0.7, "10": 0.9}]
    found = eth80_views.summary([*records, {"name": "c", "error": "E"}], (0, 10))
    assert found["inputs"] == 2 and found["per_car"] == {"1": 0.7, "2": 0.9}
    assert found["iou"] == {"0": pytest.approx(0.6), "10": pytest.approx(0.8)}
    assert eth80_views.summary([], (0,)) == {} and eth80.rotation_summary([])["flips"] is None
