"""Bad photos, the area under the curve, and the command's table."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from spir.evaluate.benchmarks import verdicts
from spir.evaluate.benchmarks.bad_photos import BadPhoto, bad_photos
from spir.evaluate.suite import Options, evaluate_verdict
from spir.types import Photo
from tests.evaluate.conftest import picture_of_a_box


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three photos with masks and one without."""
    made = tmp_path_factory.mktemp("cars")
    rgb, mask = picture_of_a_box()
    for name in "abc":
        rgb.save(made / f"{name}.png")
        mask.save(made / f"{name}.mask.png")
    rgb.save(made / "d.png")
    return made


def box():
    rgb, mask = picture_of_a_box()
    return Photo(torch.from_numpy(np.array(rgb))), torch.from_numpy(np.array(mask)) / 255


def test_eight_bad_photos_always_the_same():
    made, again = bad_photos([box()] * 4), bad_photos([box()] * 3)
    assert len(made) == 8 and len({item.name for item in made}) == 8
    for item, other in zip(made, again, strict=True):
        assert item.photo.rgb.shape[:2] == item.mask.shape and 0.02 < item.mask.mean() < 0.9
        assert torch.equal(item.photo.rgb, other.photo.rgb) and torch.equal(item.mask, other.mask)


def test_halves_are_halves():
    made = {item.name: item for item in bad_photos([box()] * 3)}
    whole = box()[1].sum()
    left, right = made["left half of the photo"], made["right half of the mask"]
    assert left.mask[:, -1].any() and left.mask.sum() + right.mask.sum() == whole
    assert left.photo.rgb.shape[1] < 64 and right.photo.rgb.shape[1] == 64
    assert torch.equal(made["upside down"].mask, box()[1].flip(0))


def test_three_cars_are_needed(tmp_path):
    with pytest.raises(ValueError, match="three"):
        bad_photos([box()] * 2)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="three"):
        verdicts.judged_photos(tmp_path)


def test_the_folder_and_eight_more(folder):
    found = verdicts.judged_photos(folder)
    assert [item.name for item in found[:4]] == list("abcd") and len(found) == 12
    assert verdicts.judged_photos(folder, own_cutout=True)[0].mask is None


@pytest.mark.parametrize("seed", range(5))
def test_the_area_counts_pairs(seed):
    g = torch.Generator().manual_seed(seed)
    bad, good = (torch.randint(0, 6, (n,), generator=g).double().tolist() for n in (7, 11))
    wins = sum((b > a) + (b == a) / 2 for b in bad for a in good)
    assert verdicts.roc_area(bad, good) == pytest.approx(wins / 77)
    assert verdicts.roc_area(good, bad) == pytest.approx(1 - wins / 77)


def test_the_area_of_nothing_is_none():
    assert verdicts.roc_area([], [1.0]) is None and verdicts.roc_area([1.0], []) is None
    assert verdicts.roc_area([2.0, 3.0], [0.0, 1.0]) == 1


def test_good_and_bad_are_scored_alike(reconstructor, folder, monkeypatch):
    monkeypatch.setattr(verdicts, "STEPS", 1)
    found = verdicts.judged_photos(folder)
    records = [
        {"name": item.name, **verdicts.score_verdict(reconstructor, item)} for item in (found[0], found[9])
    ]
    assert [record["bad"] for record in records] == [False, True]
    assert all(0 <= record["score"] <= 1 for record in records)
    result = verdicts.summary([*records, {"name": "x", "error": "E"}])
    assert sum(result["photos"].values()) == sum(result["bad"].values()) == 1
    text = verdicts.verdict_part({"verdict": result, "items": {"verdict": records}})
    assert "## Verdict" in text and "| a |" in text
    assert verdicts.verdict_part({}) == "" and verdicts.summary([]) == {}


def test_the_whole_evaluation(reconstructor, folder, monkeypatch):
    def scored(engine, item):
        return {"bad": isinstance(item, BadPhoto), "score": 0.5, "level": "fair"}

    monkeypatch.setattr(verdicts, "score_verdict", scored)
    report = {"items": {}, "failures": {}}
    wish = Options("car", photos=folder, verdict=True)
    evaluate_verdict(report, replace(wish, verdict=False), lambda: reconstructor)
    assert not report["items"]
    evaluate_verdict(report, wish, lambda: reconstructor)
    assert len(report["items"]["verdict"]) == 12 and report["failures"]["verdict"] == {}
    assert report["verdict"]["roc_area"] == 0.5 and sum(report["verdict"]["bad"].values()) == 8
