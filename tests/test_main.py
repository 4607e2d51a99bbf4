"""The command line with tiny networks: what it writes, what it says, how it exits."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from spir.__main__ import main
from spir.batch import process
from spir.photo.segmenters.grabcut import GrabCutSegmenter
from tests.tiny import FILM_SIZE, car_photo, quick_pictures, tiny_weights

FILES = {
    *(f"{name}.png" for name in ("photo", "cutout", "mask", "render", "nocs", "normals", "attention")),
    *("error.png", "trajectory.png", "overview.webp", "turntable.mp4", "turntable.gif", "run.json"),
    *(f"mesh.{ending}" for ending in ("glb", "ply", "obj", "stl")),
}
TEXTURED = {"textured.glb", "materials.glb", "textured.obj.zip"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    quick_pictures(monkeypatch)


@pytest.fixture
def photos(tmp_path):
    """A folder with a photo, its mask, a file that is no picture, and a text."""
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels, mask = car_photo()
    Image.fromarray(pixels.numpy()).save(folder / "red.png")
    Image.fromarray((mask.numpy() * 255).astype(np.uint8)).save(folder / "red.mask.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "notes.txt").write_text("nothing")
    return folder


def test_a_photo_becomes_a_folder_and_a_broken_one_stops_nothing(weights, photos, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = f"{photos} --steps 0 --out {out} --weights {weights} --device cpu --seed 3"
    assert main([*arguments.split(), "--frames", "2", "--mesh-resolution", "16"]) == 1
    assert {path.name for path in (out / "red").iterdir()} == FILES | TEXTURED
    assert [path.name for path in (out / "broken").iterdir()] == ["failed.json"]
    assert "red/overview.webp" in (out / "index.html").read_text() and (out / "table.csv").is_file()
    record = json.loads((out / "red" / "run.json").read_text())
    assert record["seed"] == 3 and record["segmenter"] == "mask red.mask.png" and record["device"] == "cpu"
    assert record["loss_backend"] and record["weights"] and record["versions"]["torch"]
    (step,) = record["trajectory"]
    assert 0 <= step["iou"] <= 1 and 0 < step["psnr"] <= 60 and step["loss"] > 0 and step["seconds"] > 0
    printed = capsys.readouterr()
    assert "broken.jpg" in printed.err and "not a picture" in printed.err
    lines = printed.out.split("\n\n")[0].splitlines()
    assert len(lines) == 3 and "failed" in lines[1] and f"{step['iou']:.3f}" in lines[2]
    mask = np.asarray(Image.open(out / "red" / "mask.png"))
    assert mask.shape == (128, 128, 3) and mask.max() == 255


def test_a_poor_fit_is_told_and_films_are_of_the_textured_object(weights, photos, tmp_path, capsys):
    arguments = [str(photos / "red.png"), "--steps", "0", "--out", str(tmp_path), "--weights", str(weights)]
    arguments += ["--device", "cpu", "--frames", "2", "--mesh-resolution", "16"]
    assert main(arguments) == 0
    record = json.loads((tmp_path / "red" / "run.json").read_text())
    assert record["notes"]["verdict"]["level"] == "poor" and record["notes"]["photo_detail"] == 0
    assert record["notes"]["remark"] == "photo detail off: poor fit"
    assert "photo detail off: poor fit" in capsys.readouterr().err
    with Image.open(tmp_path / "red" / "turntable.gif") as film:
        assert film.size == (FILM_SIZE, FILM_SIZE) and film.n_frames == 2
    assert main([*arguments, "--texture", "none"]) == 0
    assert {path.name for path in (tmp_path / "red").iterdir()} == FILES
    record = json.loads((tmp_path / "red" / "run.json").read_text())
    assert record["notes"]["photo_detail"] is None and record["notes"]["remark"] == ""
    with Image.open(tmp_path / "red" / "turntable.gif") as film:
        assert film.size == (128, 128)


def test_what_is_not_wanted_is_not_made(weights, photos, tmp_path):
    arguments = [str(photos / "red.png"), "--steps", "0", "--out", str(tmp_path), "--weights", str(weights)]
    assert main([*arguments, "--no-mesh", "--no-turntable", "--device", "cpu"]) == 0
    written = {path.name for path in (tmp_path / "red").iterdir()}
    assert written == {name for name in FILES if not name.startswith(("mesh", "turntable"))}


def test_who_names_a_segmenter_gets_it_and_by_default_the_mask_beside(weights, photos, tmp_path, capsys):
    def made_by(*more) -> str:
        arguments = [
            str(photos / "red.png"),
            "--steps",
            "0",
            "--out",
            str(tmp_path),
            "--weights",
            str(weights),
        ]
        assert main([*arguments, "--no-mesh", "--no-turntable", "--device", "cpu", *more]) == 0
        name = json.loads((tmp_path / "red" / "run.json").read_text())["segmenter"]
        assert name in capsys.readouterr().out and name in (tmp_path / "index.html").read_text()
        return name

    assert made_by() == made_by("--segmenter", "auto") == "mask red.mask.png"
    assert made_by("--segmenter", "built-in") == GrabCutSegmenter.name
    assert made_by("--mask", str(photos / "red.mask.png")) == "mask red.mask.png"


def test_any_failure_of_a_photo_is_its_own(weights, photos, tmp_path, monkeypatch, capsys):
    def fall(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(process, "process", fall)
    assert main([str(photos), "--weights", str(weights), "--out", str(tmp_path), "--device", "cpu"]) == 1
    assert capsys.readouterr().err.count("out of luck") >= 2


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x.jpg --steps -1",
        "x.jpg --steps many",
        "x.jpg y.jpg --mask m.png",
        "x.jpg --category spoon",
        "x.jpg --frames 0",
        "x.jpg --mesh-resolution 1",
        "EMPTY",
        "x.jpg --device toaster",
        "x.jpg --workers 0",
        "x.jpg --address localhost",
        "x.jpg --workers 2 --out memory://out",
        "x.jpg --out nowhere://out",
        "x.jpg --texture 512",
        "x.jpg --mask m.png --segmenter built-in",
    ],
)
def test_bad_usage_exits_with_two(wrong, weights, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*wrong.replace("EMPTY", str(tmp_path)).split(), "--weights", str(weights)])
    assert caught.value.code == 2 and "error" in capsys.readouterr().err


def test_missing_weights_exit_with_one(tmp_path, capsys):
    assert main(["x.jpg", "--weights", str(tmp_path), "--device", "cpu"]) == 1
    assert "No weights" in capsys.readouterr().err


def test_the_second_time_there_is_nothing_to_do(weights, photos, tmp_path, capsys):
    arguments = (
        f"{photos} --steps 0 --out {tmp_path / 'out'} --weights {weights} --device cpu --no-mesh".split()
    )
    assert main([*arguments, "--no-turntable"]) == 1
    record = (tmp_path / "out" / "red" / "run.json").read_bytes()
    capsys.readouterr()
    assert main([*arguments, "--no-turntable"]) == 1
    printed = capsys.readouterr()
    assert "2 photos: 0 new, 2 from earlier, 1 failed" in printed.out and "not a picture" not in printed.err
    assert (tmp_path / "out" / "red" / "run.json").read_bytes() == record
    assert main([*arguments, "--frames", "2"]) == 1
    assert "2 new, 0 from earlier" in capsys.readouterr().out


def test_without_ray_it_says_what_to_install(weights, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = f"{photos} --out {tmp_path} --weights {weights} --device cpu --engine ray".split()
    assert main(arguments) == 1
    assert 'pip install "spir[ray]"' in capsys.readouterr().err
