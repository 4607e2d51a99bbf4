"""What views are scored by, and the bands of angles in which the scores are averaged."""

import math

import pytest
import torch

from spir.evaluate import scores
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import Cutout


def test_bands_and_their_means():
    values, angles = [1.0, 2.0, 3.0, 5.0], [0.0, 29.9, 30.0, 180.0]
    assert scores.banded(values, angles) == {"all": 2.75, "0-30": 1.5, "30-90": 3.0, "90-180": 5.0}
    assert scores.banded(values[:1], angles[:1])["90-180"] is None and scores.banded([], [])["all"] is None


def test_every_angle_lies_in_one_band():
    for angle in range(181):
        means = scores.banded([7.0], [float(angle)])
        bands = [means[name] for name in scores.BANDS]
        assert bands.count(7.0) == 1 and bands.count(None) == len(bands) - 1


def test_what_was_not_judged_has_no_mean():
    """A null is what JSON makes of NaN."""
    bands = scores.banded([math.nan, None, 1.0], [0.0, 10.0, 50.0])
    assert math.isnan(bands["all"]) and math.isnan(bands["0-30"]) and bands["30-90"] == 1


def test_angles_between_directions_of_view():
    azimuth, elevation = torch.tensor([10.0, 10.0, 40.0, 190.0]), torch.tensor([0.0, 25.0, 0.0, 0.0])
    like = torch.ones(4)
    cameras = camera_from_pose(look_at_pose(azimuth, elevation, focal=2 * like, scale=0.5 * like))
    assert scores.angles_deg(cameras[:1], cameras) == pytest.approx([0, 25, 30, 180], abs=0.1)


def views():
    """A noisy square to the left, and one to the right, on grey."""
    left, right = torch.zeros(1, 64, 64), torch.zeros(1, 64, 64)
    left[:, 20:44, 8:32], right[:, 20:44, 32:56] = 1, 1
    rgb = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return [
        scores.true_view(Cutout(rgb * mask[..., None], mask, torch.zeros(1, 4))) for mask in (left, right)
    ]


def test_both_silhouettes_are_judged(judge_network):
    """What one of two views shows beside the other counts, whichever of them is the truth."""
    one, other = views()
    there, back = scores.judged(one, other), scores.judged(other, one)
    assert there.item() == pytest.approx(back.item(), rel=1e-4) and there > 0.1
    assert scores.judged(one, one).item() == 0


def test_without_a_judge_views_have_no_distance(no_judge):
    assert scores.judged(*views()).isnan().all()
