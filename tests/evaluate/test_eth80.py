"""Rotation errors of the toy cars: file names, our frame, and the shares."""

from pathlib import Path

import pytest
import torch

from spir.evaluate.benchmarks import eth80
from spir.geometry.rotation import geodesic_deg, matrix_from_quaternion, view_from_rotation

DATA = Path(__file__).parents[3] / "shared" / "data" / "eth80_cars"


def test_views_from_above_and_strangers_are_left_out(eth80_folder):
    found = eth80.views(eth80_folder)
    assert [view.name for view in found] == ["car1-066-297", "car1-090-045", "car11-066-297", "car11-090-045"]
    assert found[2].car == "4" and found[2].polar_deg == 66 and found[2].azimuth_deg == 297
    assert all(view.mask.is_file() for view in found)


def made(polar, azimuth):
    return eth80.View(Path("a.png"), Path("b.png"), "1", float(polar), float(azimuth))


@pytest.mark.parametrize(
    "azimuth, front",
    [(0, (1, 0, 0)), (90, (0, 0, 1)), (180, (-1, 0, 0)), (270, (0, 0, -1))],
)
def test_where_the_front_points_in_the_picture(azimuth, front):
    """At 000 to the right (camera x), at 090 towards us (camera z), at 180 to the left, at 270 away."""
    seen = matrix_from_quaternion(made(90, azimuth).rotation)[0] @ torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(seen, torch.tensor(front, dtype=torch.float32), atol=1e-5)


def test_the_polar_angle_counts_from_the_zenith_and_there_is_no_roll():
    azimuth, elevation, roll = view_from_rotation(made(66, 117).rotation)
    assert [round(v.item(), 3) for v in (azimuth, elevation, roll)] == [27, 24, 0]


def test_a_view_goes_through_the_pipeline(reconstructor, eth80_folder):
    view = eth80.views(eth80_folder)[1]
    record = eth80.score_view(reconstructor, view)
    photo = eth80.read_photo(view.picture)
    cut = reconstructor.cut(photo, eth80.read_mask(view.mask, photo))
    pose = reconstructor.initialise(cut).pose
    expected = geodesic_deg(pose.quaternion, view.rotation).item()
    assert record["rotation_deg"] == pytest.approx(expected, abs=0.1) and record["car"] == "1"


def test_shares():
    errors = [(5, 2), (30, 20), (31, 10), (170, 170)]
    records = [
        {"name": str(i), "car": "1" if i < 3 else "2", "rotation_deg": r, "azimuth_deg": a}
        for i, (r, a) in enumerate(errors)
    ] + [{"name": "x", "error": "PhotoError: no"}]
    result = eth80.summary(records)
    assert (result["median_deg"], result["under_30"], result["flips"]) == (30.5, 0.5, 0.25)
    assert (result["views"], result["finished"]) == (5, 4)
    assert result["per_car"]["1"]["median_deg"] == 30 and result["per_car"]["2"]["flips"] == 1
    assert eth80.summary(records[4:])["median_deg"] is None


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/eth80_cars")
def test_the_data_set_has_forty_views_a_car():
    found = eth80.views(DATA)
    assert {car: sum(view.car == car for view in found) for car in "12345"} == dict.fromkeys("12345", 40)
    assert all(view.mask.is_file() for view in found)
