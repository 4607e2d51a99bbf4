"""What is taken home opens elsewhere."""

import io
import json
from pathlib import Path

import gradio as gr
import pytest
import trimesh
from PIL import Image

from spir.outputs.mesh import EmptySurfaceError
from spir.ui import words
from spir.ui.takeaway import Takeaway
from tests.ui.conftest import FRAMES

COARSE = 32


@pytest.fixture
def takeaway(handlers, key):
    list(handlers.reconstruct(key, 1))
    return Takeaway(handlers)


def test_the_mesh_for_the_viewer(takeaway, key):
    path, said = takeaway.mesh(key, COARSE)
    scene = trimesh.load(path)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) > 100 and "triangles" in said
    assert Path(path).parent == takeaway.handlers.runs.get(key).folder


def test_all_files_open(takeaway, key):
    files = {Path(path).name: Path(path).read_bytes() for path in takeaway.files(key, COARSE)}
    assert set(files) == {"car.glb", "car.ply", "car.obj", "car.stl", "car.mp4", "car.gif", "run.json"}
    for end in ("glb", "ply", "obj", "stl"):
        assert len(trimesh.load(io.BytesIO(files[f"car.{end}"]), file_type=end, force="mesh").faces) > 100
    assert Image.open(io.BytesIO(files["car.gif"])).n_frames == FRAMES and files["car.mp4"][4:8] == b"ftyp"
    record = json.loads(files["run.json"])
    assert record["steps"] == 1 and record["weights"] == takeaway.engine.weights_hash
    assert len(record["trajectory"]) == 2 and "iou" in record["trajectory"][0]
    assert "transparency" in record["segmenter"] and record["loss_backend"] == takeaway.engine.loss_backend


def test_a_result_without_a_surface_is_told(takeaway, key, monkeypatch):
    def empty(fit, resolution):
        raise EmptySurfaceError("nowhere negative")

    monkeypatch.setattr(takeaway.handlers, "mesh_on_gpu", empty)
    with pytest.raises(gr.Error) as caught:
        takeaway.mesh(key, COARSE)
    assert caught.value.message == words.NO_SURFACE
