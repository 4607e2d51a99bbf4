"""How segmenters are compared: overlap, kind and false cars of made-up ones on made-up photos."""

import io
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from spir.evaluate.benchmarks.segmenters import blind, false_cars, main, score
from spir.photo.segmenters.grabcut import GrabCutSegmenter
from spir.types import Photo, Segmentation


@pytest.fixture
def folder(tmp_path):
    """Two photos: a red square a quarter of the picture, and its mask."""
    cars = tmp_path / "cars"
    cars.mkdir()
    for number in range(2):
        picture = np.full((60, 80, 3), 100, np.uint8)
        picture[15:45, 20:60] = (200, 20, 20)
        Image.fromarray(picture).save(cars / f"car_{number}.png")
        mask = (picture[..., 0] == 200).astype(np.uint8) * 255
        Image.fromarray(mask).save(cars / f"car_{number}.mask.png")
    return cars


def red(photo: Photo) -> Segmentation:
    return Segmentation(
        (photo.rgb[..., 0] == 200).float(), "red", {"car": 0.9, "chair": 0.02, "bird": 0.02, "plane": 0.02}
    )


def test_a_perfect_finder_scores_one(folder):
    row = score(red, folder, "car")
    assert row["photos"] == 2 and row["iou"] == row["worst"] == 1 and row["kind"] == 1
    assert score(red, folder, "bird")["kind"] == 0


def test_finding_all_of_the_picture_scores_the_share(folder):
    row = score(lambda photo: Segmentation(torch.ones(photo.rgb.shape[:2]), "all"), folder, "car")
    assert row["iou"] == pytest.approx(0.25)
    assert row["kind"] == 0, "who tells no kind is never right"


def test_the_graph_cut_tells_no_kind(folder):
    row = score(blind(GrabCutSegmenter()), folder, "car")
    assert row["iou"] > 0.8 and row["kind"] == 0


def test_scenes_that_are_taken_for_cars_are_counted(tmp_path):
    with tarfile.open(tmp_path / "scenes.tar", "w") as tar:
        for number in range(28):
            data = io.BytesIO()
            Image.new("RGB", (20, 20), (number, 0, 0)).save(data, "PNG")
            info = tarfile.TarInfo(f"{number:02d}.jpg")
            info.size = len(data.getvalue())
            tar.addfile(info, io.BytesIO(data.getvalue()))
    sure = {"car": 0.9, "chair": 0.0, "bird": 0.0, "plane": 0.0}
    calm = dict.fromkeys(sure, 0.0)
    # Of 28 scenes numbers 7 and 21 are held out.
    find = lambda photo: Segmentation(torch.ones(20, 20), "?", sure if photo.rgb[0, 0, 0] > 10 else calm)  # noqa: E731
    assert false_cars(find, tmp_path / "scenes.tar") == 0.5


def test_the_command_prints_a_table(folder, capsys, monkeypatch):
    monkeypatch.setattr(
        "spir.evaluate.benchmarks.segmenters.OnnxSegmenter.segment", lambda self, photo: red(photo)
    )
    main(["--photos", str(folder.parent)])
    out = capsys.readouterr().out
    assert "| ours | 2 cars | 1.000 | 1.000 | 100% |" in out
    assert "| GrabCut | 2 cars |" in out


def test_rembg_is_measured_alone_and_with_ours_where_it_is_on_the_disk(folder, capsys, monkeypatch):
    module = "spir.evaluate.benchmarks.segmenters"
    monkeypatch.setattr(f"{module}.OnnxSegmenter.segment", lambda self, photo: red(photo))
    monkeypatch.setattr(f"{module}.RembgSegmenter.__call__", lambda *_: torch.ones(60, 80))
    for there in (False, True):
        monkeypatch.setattr(f"{module}.RembgSegmenter.at_hand", lambda self, there=there: there)
        main(["--photos", str(folder.parent)])
        out = capsys.readouterr().out
        assert (
            ("| rembg | 2 cars | 0.250 |" in out) == ("| ours and rembg | 2 cars | 1.000 |" in out) == there
        )
