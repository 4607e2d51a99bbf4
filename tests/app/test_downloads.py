"""What is taken home opens elsewhere, and brings everything back here."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from spir.app import text
from spir.app.handlers.mesh import COARSEST
from tests.app.conftest import last, visitor
from tests.app.quick_app import FILM_SIZE, FRAMES


@pytest.fixture
def key(context, packed):
    """The key of a session that was packed."""
    return context.store.open("anna", packed[0])


@pytest.fixture
def kept(packed):
    """Name -> bytes of everything that is downloaded."""
    return packed[1]


def reopened(downloads, tmp_path, data, session="bert"):
    path = tmp_path / "again.zip"
    path.write_bytes(data)
    return last(downloads.reopen({"path": str(path)}, None, visitor(session)))


def test_all_files_open(engine, kept):
    assert set(kept) == {"car.zip", "car-orbit.mp4", "car-orbit.gif"}
    assert Image.open(io.BytesIO(kept["car-orbit.gif"])).n_frames == FRAMES
    assert Image.open(io.BytesIO(kept["car-orbit.gif"])).size == (FILM_SIZE, FILM_SIZE)
    assert kept["car-orbit.mp4"][4:8] == b"ftyp"
    with zipfile.ZipFile(io.BytesIO(kept["car.zip"])) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    for name in ("mesh.glb", "mesh.ply", "mesh.obj", "mesh.stl", "textured.glb", "materials.glb"):
        mesh = trimesh.load(io.BytesIO(inside[name]), file_type=name[-3:], force="mesh")
        assert len(mesh.faces) > 100
    assert {"photo.png", "mask.png", "crop.png", "nocs.png", "orbit.mp4", "steps/02.png"} <= set(inside)
    record = json.loads(inside["run.json"])
    assert record["steps"] == 2 and record["weights"] == engine.weights_hash
    assert len(record["trajectory"]) == 3 and "iou" in record["trajectory"][0]
    assert "transparency" in record["segmenter"] and record["loss_backend"] == engine.loss_backend
    assert record["notes"]["verdict"]["level"] in ("good", "fair", "poor")
    assert record["notes"]["photo_detail"] == float(record["notes"]["verdict"]["level"] != "poor")
    assert record["repeat"].startswith("python -m spir photo.png")


def test_the_zip_brings_everything_back(live, runs, downloads, key, kept, tmp_path):
    fresh, shown, line = reopened(downloads, tmp_path, kept["car.zip"])
    before, after = live(key), live(fresh)
    assert after.visitor == "bert" and after.upload == before.upload
    assert torch.equal(after.cutout.rgb, before.cutout.rgb) and after.margin == before.margin
    assert torch.equal(after.fit.code.w, before.fit.code.w) and after.views == before.views
    assert after.metrics == before.metrics and after.segmenter == before.segmenter
    assert line["clear"] and [frame["step"] for frame in line["frames"]] == [0, 1, 2] and line["used"] == 2
    assert shown["run"] == fresh and shown["input"]
    # And goes on as if nothing had been in between.
    for known in (key, fresh):
        list(runs.reconstruct(known, 3))
    assert torch.equal(after.fit.trajectory[3].code.w, before.fit.trajectory[3].code.w)


def test_the_visitors_colours_and_step_come_back(live, runs, downloads, key, tmp_path):
    run = live(key)
    runs.use(key, {"looked_at": 1})
    green = ["#00ff00"] * 10
    path = next(
        path for path in downloads.files(key, COARSEST, {"colours": green})[0] if path.endswith("zip")
    )
    fresh, _, line = reopened(downloads, tmp_path, Path(path).read_bytes())
    after = live(fresh)
    assert line["used"] == 1 and torch.equal(after.fit.code.w, run.fit.trajectory[1].code.w)
    assert downloads.context.engine.palette(after.fit.code)[0].tolist() == [[-1, 1, -1]] * 10
    session, surface = downloads.meshes.textured(fresh, after.session)
    frame = downloads.frames(session, surface)[0]
    middle = frame[FILM_SIZE // 2 - 2 : FILM_SIZE // 2 + 2, FILM_SIZE // 2 - 2 : FILM_SIZE // 2 + 2].reshape(
        -1, 3
    )
    assert np.abs(middle - np.array([0, 255, 0])).max() <= 2


def test_the_surface_comes_back_and_is_not_made_again(live, downloads, key, kept, tmp_path, monkeypatch):
    before = live(key)
    fresh, *_ = reopened(downloads, tmp_path, kept["car.zip"])
    after = live(fresh)
    assert after.textured.layers == before.textured.layers
    monkeypatch.setattr(downloads.context.engine, "appearance", None)
    paths, _ = downloads.files(fresh, COARSEST, None)
    with zipfile.ZipFile(next(path for path in paths if path.endswith("zip"))) as archive:
        assert archive.read("layers.safetensors") == before.textured.layers


def test_a_zip_without_a_surface_gets_one_when_it_is_asked_for(live, downloads, kept, tmp_path):
    fresh, *_ = reopened(downloads, tmp_path, without(kept["car.zip"], "layers.safetensors"))
    after = live(fresh)
    assert after.textured is None
    assert downloads.meshes.textured(fresh, after.session)[1] is not None and after.textured is not None


def without(data, name):
    """The ZIP without one of its files."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(file, "w") as after:
        for entry in before.namelist():
            if entry != name:
                after.writestr(entry, before.read(entry))
    return file.getvalue()


@pytest.mark.parametrize("damage", ["empty", "text", "half", "other weights", "other photo"])
def test_what_is_no_zip_of_ours_changes_nothing(live, downloads, key, kept, tmp_path, damage, monkeypatch):
    data = kept["car.zip"]
    if damage == "other weights":
        monkeypatch.setattr(downloads.context.engine, "weights_hash", "0123456789abcdef")
    if damage == "other photo":
        data = swapped(data, "photo.png")
    data = {"empty": b"", "text": b"no zip at all", "half": data[: len(data) // 2]}.get(damage, data)
    path = tmp_path / "bad.zip"
    path.write_bytes(data)
    with pytest.raises(gr.Error) as caught:
        list(downloads.reopen({"path": str(path)}, key, visitor("anna")))
    assert len(caught.value.message) > 20 and "Traceback" not in caught.value.message
    assert live(key).result is not None


def swapped(data, name):
    """The ZIP with a picture of another size."""
    picture, file = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (300, 300)).save(picture, "PNG")
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(file, "w") as after:
        for entry in before.namelist():
            after.writestr(entry, picture.getvalue() if entry == name else before.read(entry))
    return file.getvalue()


def test_a_zip_that_is_too_large_is_not_even_read(downloads, key, tmp_path, monkeypatch):
    monkeypatch.setattr("spir.app.handlers.downloads.LARGEST_ZIP", 10)
    path = tmp_path / "large.zip"
    path.write_bytes(b"01234567890")
    with pytest.raises(gr.Error) as caught:
        list(downloads.reopen({"path": str(path)}, key, visitor("anna")))
    assert caught.value.message == text.ZIP_TOO_LARGE


def test_a_mixed_object_is_not_judged(live, results, downloads, key):
    run = live(key)
    run.change(result=replace(run.result, mixed=replace(run.fit.code, w=run.fit.code.w + 0.5)))
    assert run.step is None and downloads.record(run.session)["notes"]["verdict"] is None
    *_, verdict = next(results.turn(key))
    assert verdict["level"] == "" and verdict["line"] == text.MIXED_IN_USE
