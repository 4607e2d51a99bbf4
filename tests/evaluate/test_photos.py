"""Real photos through the visitor's pipeline: every N from one run, failures named."""

import math
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from spir.evaluate.benchmarks import photos
from spir.evaluate.reports.sheet import labels
from spir.evaluate.runs import run
from spir.geometry.pose import camera_from_pose
from spir.metrics.images import in_photo, iou, psnr
from spir.rendering.renderer import render
from spir.types import Rendering


def test_the_folder_is_read_by_name(photo_folder):
    files = photos.photo_files(photo_folder)
    assert [file.name for file in files] == ["a", "b", "broken"]
    assert files[0].mask == photo_folder / "a.mask.png" and files[1].mask is None
    assert photos.photo_files(photo_folder, own_cutout=True)[0].mask is None


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no photo"):
        photos.photo_files(tmp_path)


@pytest.fixture(scope="module")
def file(photo_folder):
    return photos.photo_files(photo_folder)[0]


@pytest.fixture(scope="module")
def cut(reconstructor, file):
    return photos.load(reconstructor, file)[1]


@pytest.fixture(scope="module")
def record(reconstructor, file, judge):
    return photos.score_photo(reconstructor, file, (0, 2), judge, pictures=True)


@pytest.fixture(scope="module")
def long(reconstructor, cut):
    return run(reconstructor, cut, (0, 1, 2))


def test_the_mask_of_the_folder_cuts_out(cut):
    width, height, side = 45, 28, round(1.1 * 45)
    assert cut.box_px[0, 2] - cut.box_px[0, 0] == side
    assert abs(cut.mask.mean().item() - width * height / side**2) < 0.02


def test_a_longer_run_begins_with_the_shorter_one(reconstructor, cut, long):
    short = run(reconstructor, cut, (1,))
    assert sorted(long.steps) == [0, 1, 2] and sorted(short.steps) == [1]
    assert torch.equal(long.steps[1].code.w, short.steps[1].code.w)
    assert 0 < long.seconds[0] < long.seconds[1] < long.seconds[2]


def test_a_run_that_ends_early_is_an_error(reconstructor, cut, monkeypatch):
    whole = reconstructor.invert
    monkeypatch.setattr(reconstructor, "invert", lambda *given: islice(whole(*given), 1))
    with pytest.raises(RuntimeError, match="before step 1"):
        run(reconstructor, cut, (0, 1))


def test_the_record_is_made_of_each_step_seen_from_its_own_camera(reconstructor, cut, long, record):
    step = long.steps[2]
    with torch.no_grad():
        seen = render(
            reconstructor.field(step), camera_from_pose(step.pose), reconstructor.render_config(128)
        )
    assert record["2"]["iou"] == pytest.approx(iou(seen.alpha, cut.mask).item(), abs=1e-6)
    assert record["2"]["psnr"] == pytest.approx(psnr(seen.rgb, cut.rgb, cut.mask > 0.5).item(), abs=1e-3)
    assert record["2"]["loss"] == pytest.approx(step.loss.item(), rel=1e-5)
    assert record["0"]["seconds"] < record["2"]["seconds"]
    assert record["cutout"] == "mask of the folder" and record["outcome"] and record["stopped"] == ""


@pytest.fixture(scope="module")
def perfect(cut):
    """The cut-out as if it had been rendered."""
    return Rendering(rgb=cut.rgb, alpha=cut.mask, depth=torch.zeros_like(cut.mask))


def test_a_picture_is_as_good_as_itself_and_its_negative_is_not(judge, cut, perfect):
    distance = photos.judged_by(judge, "cpu")
    same = photos.compare(distance, "cpu", perfect, cut)
    assert same["feature_distance"] == 0 and same["iou"] == 1 and same["psnr"] == 60
    assert same["ssim"] == pytest.approx(1)
    other = photos.compare(distance, "cpu", replace(perfect, rgb=-cut.rgb), cut)
    assert other["feature_distance"] > 0 and other["ssim"] < 0.9


def test_the_judge_finds_no_fault_with_the_cut_out_itself(judge_network, judge, cut, perfect):
    distance = photos.judged_by(judge, "cpu")
    assert photos.compare(distance, "cpu", perfect, cut)["judge"] == 0
    assert photos.compare(distance, "cpu", replace(perfect, rgb=-cut.rgb), cut)["judge"] > 0.1


def test_detail_that_a_fit_lacks_is_missing_sharpness(judge, cut, perfect):
    """The fit has the colours of a noisy photo, but nothing of its noise."""
    noise = 0.2 * torch.randn(cut.rgb.shape, generator=torch.Generator().manual_seed(0))
    noisy = replace(cut, rgb=cut.rgb + noise * cut.mask[..., None])
    distance = photos.judged_by(judge, "cpu")
    assert photos.compare(distance, "cpu", perfect, noisy)["sharpness"] < 0.1
    same = photos.compare(distance, "cpu", replace(perfect, rgb=noisy.rgb), noisy)
    assert same["sharpness"] == pytest.approx(1)


def test_a_row_of_the_sheet_has_a_picture_per_label(record):
    assert len(record["pictures"]) == len(labels((0, 2)))
    for picture in record["pictures"]:
        assert picture.shape == (128, 128, 3) and picture.dtype == np.uint8


def one(**values):
    return {
        **dict.fromkeys(photos.METRICS, 1.0),
        "iou": 0.5,
        "psnr": 10.0,
        "seconds": 1.0,
        "loss": 1.0,
        **values,
    }


def test_means_medians_and_counts():
    records = [
        {"name": "a", "outcome": "solved", "0": one(loss=2.0), "10": one(iou=0.9, seconds=3.0)},
        {"name": "b", "outcome": "solved", "0": one(loss=1.0), "10": one(iou=0.6, seconds=9.0)},
        {"name": "c", "outcome": "too few", "0": one(loss=3.0), "10": one(iou=0.0, seconds=4.0, loss=2.9)},
        {"name": "d", "error": "PhotoError: nothing"},
    ]
    table = photos.summary(records, (0, 10))
    assert table["10"]["iou"] == pytest.approx(0.5) and table["10"]["iou_median"] == pytest.approx(0.6)
    assert table["10"]["seconds"] == 4.0 and table["0"]["psnr"] == 10.0
    counts = photos.counts(records, (0, 10))
    assert (counts["photos"], counts["finished"], counts["pose_solved"], counts["loss_fell"]) == (4, 3, 2, 2)
    assert photos.summary(records[3:], (0, 10)) == {}


def test_a_photo_that_was_not_judged_keeps_its_other_numbers():
    """A null is what an interrupted run's file makes of NaN."""
    records = [{"name": "a", "0": one(judge=None)}, {"name": "b", "0": one(judge=math.nan)}]
    row = photos.summary(records, (0,))["0"]
    assert math.isnan(row["judge"]) and math.isnan(row["judge_median"]) and row["psnr"] == 10.0


@pytest.mark.parametrize("box", [(10, 20, 50, 60), (-8, -4, 32, 36), (30, 30, 90, 90)])
def test_a_silhouette_returns_to_its_place_in_the_photo(box):
    """A mask cut out of a photo and put back covers what was inside its box."""
    height, width = 70, 80
    y, x = np.mgrid[:height, :width]
    mask = torch.from_numpy((((x - 35) / 20) ** 2 + ((y - 38) / 14) ** 2 < 1).astype(np.float32))
    left, top, right, bottom = box
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    cut = mask.numpy()[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))] * inside
    back = in_photo(torch.from_numpy(cut)[None], torch.tensor([box]).float(), height, width)
    within = ((x >= left) & (x < right) & (y >= top) & (y < bottom)).astype(np.float32)
    assert back.shape == (1, height, width)
    assert torch.equal(back[0], mask * torch.from_numpy(within))


def test_a_given_mask_judges_also_what_the_app_cut_out(reconstructor, photo_folder, judge):
    masked = [file for file in photos.photo_files(photo_folder) if file.mask]
    own = [file for file in photos.photo_files(photo_folder, own_cutout=True) if file.given]
    assert [file.given for file in own] == [file.mask for file in masked]
    assert all(file.mask is None for file in own)
    record = photos.score_photo(reconstructor, own[0], (0,), judge)
    assert 0 <= record["0"]["iou_in_photo"] <= 1
    assert record["cutout"] == reconstructor.segment(photos.load(reconstructor, own[0])[0]).segmenter
