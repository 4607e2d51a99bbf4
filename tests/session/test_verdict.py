"""The verdict: a perfect run is good, and every way of going wrong is named."""

import json
import math
from dataclasses import replace

import pytest
import torch

from spir.categories import CATEGORIES
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.session import evidence
from spir.session.verdict import (
    CRITERIA,
    FAIR,
    GOOD,
    compute_verdict,
    level,
    photo_detail,
    quality,
    score_measures,
)
from spir.types import Code, Cutout, Fit, Guess, Outcome, Step
from tests.outputs.analytic import Balls

CAR = CATEGORIES["car"]
SIZE = 64
BODY = Balls(((0.0, 0.0, 0.0, 0.35), (0.0, 0.0, 0.4, 0.3), (0.0, 0.05, -0.35, 0.3)))
PERFECT = {
    "overlap": 1.0, "points": 1.0, "view_error": 0.0, "details": 1.0, "turned": 0.0, "predicted_mask": 1.0,
    "cut_off": 0.0, "straight_edge": 0.2, "flat_map": 0.1, "progress": 0.4, "lens": 0.3, "mirror": 0.6,
}  # fmt: skip
one = torch.ones(1)


def pose(azimuth=40.0, shift=(0.0, 0.0), focal=1.5):
    return look_at_pose(azimuth * one, 10 * one, focal=focal * one, shift=torch.tensor([shift]))


@pytest.fixture(scope="module")
def run():
    """Cut-out, guess, fit and photo size of a run that found the object exactly."""
    config = RenderConfig(size=SIZE, samples=16, nocs=True, background=CAR.background)
    seen = render(BODY, camera_from_pose(pose()), config)
    cutout = Cutout(seen.rgb, seen.alpha, torch.tensor([[20.0, 10.0, 120.0, 110.0]]))
    code = Code(torch.zeros(1, 3, 4))
    nocs = seen.nocs / seen.alpha.clamp_min(1e-6)[..., None]
    guess = Guess(nocs, seen.alpha, code, pose(), 0.005 * one, (Outcome.SOLVED,))
    steps = tuple(
        Step(
            i,
            replace(code, w=code.w + i),
            pose(),
            seen.rgb.half(),
            seen.alpha.half(),
            torch.tensor([1.0 - 0.1 * i]),
            float(i),
        )
        for i in range(4)
    )
    return cutout, guess, Fit("car", steps[-1].code, pose(), steps), (200, 200)


def judged(run, *, cutout=None, guess=None, fit=None, size=None):
    given = (cutout, guess, fit, size)
    return compute_verdict(*(old if new is None else new for old, new in zip(run, given, strict=True)), CAR)


def codes(verdict):
    return [reason.code for reason in verdict.reasons]


def last(fit, **changes):
    """The fit with other values in its last step, the one in use."""
    return replace(fit, trajectory=(*fit.trajectory[:-1], replace(fit.trajectory[-1], **changes)))


def used(fit, pose):
    """The fit with another pose at its end."""
    return replace(last(fit, pose=pose), pose=pose)


def test_a_perfect_fit_is_good(run):
    verdict = judged(run)
    assert (verdict.level, verdict.action, verdict.reasons) == ("good", "none", ())
    assert verdict.score > 0.9 and [measure.code for measure in verdict.measures] == list(CRITERIA)


def test_a_shifted_silhouette(run):
    fit = last(run[2], alpha=run[2].trajectory[-1].alpha.roll(12, 2))
    verdict = judged(run, fit=fit)
    assert codes(verdict)[0] == "overlap" and verdict.action == "more_steps" and verdict.level != "good"


def test_an_object_at_the_edge_of_the_photo(run):
    cutout = replace(run[0], mask=run[0].mask.clone(), box_px=torch.tensor([[-50.0, 10.0, 50.0, 110.0]]))
    cutout.mask[:, :, : SIZE // 2] = 0
    verdict = judged(run, cutout=cutout)
    assert {"cut_off", "straight_edge"} & set(codes(verdict)) and verdict.level == "poor"
    assert dict((m.code, m.quality) for m in verdict.measures)["cut_off"] == 0


def test_a_mask_cut_straight_in_the_middle_of_the_photo(run):
    cutout = replace(run[0], mask=run[0].mask.clone())
    cutout.mask[:, :, : SIZE // 2] = 0
    verdict = judged(run, cutout=cutout)
    assert "straight_edge" in codes(verdict) and "cut_off" not in codes(verdict)


def test_a_pose_that_jumped(run):
    verdict = judged(run, fit=used(run[2], pose(azimuth=75.0)))
    assert {"turned", "points"} <= set(codes(verdict)) and verdict.level == "poor"


def test_a_loss_that_rose(run):
    verdict = judged(run, fit=last(run[2], loss=torch.tensor([1.2])))
    assert codes(verdict) == ["progress"] and verdict.level == "good"


def test_a_lens_at_its_limit(run):
    assert evidence.perspective_extremity(replace(pose(), z0=torch.tensor([-4.0]))) == 1
    assert evidence.perspective_extremity(replace(pose(), z0=None)) == 0
    assert quality("lens", 1.0) == 0 and quality("lens", evidence.perspective_extremity(pose())) == 1


def test_a_pose_that_was_not_measured(run):
    verdict = judged(run, guess=replace(run[1], outcome=(Outcome.DEGENERATE,)))
    assert codes(verdict) == ["view_error"] and verdict.reasons[0].value == math.inf
    assert verdict.level == "fair" or verdict.level == "poor"
    assert verdict.record()["measures"]["view_error"]["value"] is None


def test_a_map_that_is_a_muddle(run):
    muddle = torch.rand(run[1].nocs.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    assert "points" in codes(judged(run, guess=replace(run[1], nocs=muddle)))
    flat = judged(run, guess=replace(run[1], nocs=torch.zeros_like(muddle)))
    assert flat.measures[list(CRITERIA).index("flat_map")].quality == 0
    broken = judged(run, guess=replace(run[1], nocs=muddle * math.nan))
    assert broken.level != "good"


def test_a_prediction_of_something_else(run):
    guess = replace(run[1], mask=run[1].mask.roll(10, 1))
    assert "predicted_mask" in codes(judged(run, guess=guess))


def test_details_elsewhere(run):
    negative = last(run[2], rgb=run[2].trajectory[-1].rgb.neg())
    assert "details" in codes(judged(run, fit=negative))


def test_an_empty_prediction_is_no_error(run):
    verdict = judged(run, guess=replace(run[1], mask=torch.zeros_like(run[1].mask)))
    assert verdict.level == "poor"
    empty = replace(run[0], mask=torch.zeros_like(run[0].mask))
    assert judged(run, cutout=empty).level == "poor"


def test_the_step_in_use_is_the_one_judged(run):
    fit = run[2]
    at = [replace(fit, code=step.code, pose=step.pose) for step in fit.trajectory]
    assert [evidence.step_in_use(one) for one in at] == [0, 1, 2, 3]
    assert evidence.step_in_use(replace(at[1], pose=pose(azimuth=90.0))) == 3
    assert evidence.progress(at[0]) == 1 and evidence.progress(at[2]) == pytest.approx(0.2)


def test_details_against_a_loop():
    g = torch.Generator().manual_seed(3)
    ours, theirs = (2 * torch.rand(20, 20, 3, generator=g) - 1 for _ in range(2))
    where = torch.zeros(20, 20, dtype=torch.bool)
    where[2:17, 1:18] = True

    def slope(picture, y, x):
        def smooth(y, x):
            near = [
                picture[i, j].mean().item()
                for i in range(max(y - 2, 0), min(y + 3, 20))
                for j in range(max(x - 2, 0), min(x + 3, 20))
            ]
            return sum(near) / len(near)

        return (smooth(y, x + 1) - smooth(y, x - 1)) / 2, (smooth(y + 1, x) - smooth(y - 1, x)) / 2

    dot = first = second = 0.0
    for y in range(5, 14):
        for x in range(4, 15):
            a, b = slope(ours, y, x), slope(theirs, y, x)
            dot += a[0] * b[0] + a[1] * b[1]
            first, second = first + a[0] ** 2 + a[1] ** 2, second + b[0] ** 2 + b[1] ** 2
    assert evidence.gradient_agreement(ours, theirs, where) == pytest.approx(
        dot / math.sqrt(first * second), abs=1e-4
    )
    assert evidence.gradient_agreement(ours, 0.5 * ours + 0.1, where) == pytest.approx(1, abs=1e-4)
    assert evidence.gradient_agreement(ours, torch.zeros_like(ours), where) == 0


def test_spread_along_the_thinnest_axis():
    g = torch.Generator().manual_seed(5)
    points = torch.randn(20_000, 3, generator=g) * torch.tensor([0.5, 0.1, 0.3]) + 2
    assert evidence.thickness(points) == pytest.approx(0.1, rel=0.03)
    assert evidence.thickness(points[:2]) == 0


@pytest.mark.parametrize("turns", range(4))
def test_contact_counts_on_every_side(turns):
    mask = torch.zeros(SIZE, SIZE)
    # Rows 16 to 47; of them 16 to 39 reach column 32, where the photo ends.
    mask[16:48, 32:60], mask[40:48, 32] = 1, 0
    box = [
        [-50.0, 0.0, 50.0, 100.0],
        [0.0, 0.0, 100.0, 100.0],
        [0.0, 0.0, 100.0, 100.0],
        [0.0, -50.0, 100.0, 50.0],
    ]
    size = [(100, 100), (50, 100), (100, 50), (100, 100)]
    turned = mask.rot90(turns)[None]
    cutout = Cutout(torch.zeros(1, SIZE, SIZE, 3), turned, torch.tensor([box[(0, 1, 2, 3)[turns]]]))
    assert evidence.cut_off(cutout, size[turns]) == pytest.approx(24 / 32)
    assert evidence.cut_off(cutout, (1000, 1000)) in (0.0, pytest.approx(24 / 32))


def test_worse_measures_never_raise_the_score():
    for code, worth in CRITERIA.items():
        values = [worth.good + (worth.bad - worth.good) * part for part in (0.0, 0.3, 0.6, 1.0, 1.5)]
        scores = [score_measures({**PERFECT, code: value}).score for value in values]
        assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
        assert worth.weight == 0 or scores[-1] < scores[0]


def test_levels_rise_with_the_score():
    order = [level(score / 100) for score in range(101)]
    assert order == sorted(order, key=("poor", "fair", "good").index) and set(order) == {
        "poor",
        "fair",
        "good",
    }
    assert (level(FAIR), level(GOOD)) == ("fair", "good")


def test_the_record_is_json(run):
    text = json.dumps(judged(run).record(), allow_nan=False)
    assert json.loads(text)["level"] == "good"


def test_what_is_not_a_number_is_bad():
    for code in CRITERIA:
        assert quality(code, math.nan) == 0 and quality(code, math.inf) == 0


def test_more_steps_are_advised_only_where_nothing_else_is_weak():
    fine = {code: worth.good for code, worth in CRITERIA.items()}
    poor = {"overlap": 0.7, "cut_off": 0.0}
    assert score_measures(fine | {"overlap": 0.7}).action == "more_steps"
    assert score_measures(fine | poor | {"points": 0.1}).action == "other_photo"
    assert score_measures(fine).action == "none"


def test_a_poor_fit_takes_no_detail_from_the_photo(run):
    assert photo_detail(score_measures(PERFECT)) == 1
    assert photo_detail(judged(run, fit=used(run[2], pose(azimuth=75.0)))) == 0
