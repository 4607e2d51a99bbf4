"""The endpoints as functions, and as a client, curl and a language model see them."""

import json
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import trimesh
from PIL import Image

from spir.app import text
from spir.app.api import Api
from spir.app.handlers.mesh import COARSEST
from tests.app.conftest import visitor


@pytest.fixture
def api(context, photos, runs, meshes):
    return Api(context, photos, runs, meshes)


@pytest.fixture
def run(fitted_key):
    return fitted_key


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_the_whole_story(api, sent, car_png):
    told, picture = api.segment(sent(car_png)["path"], visitor("anna"))
    assert pixels(picture).shape == (128, 128, 3) and len(told["box"]) == 4
    found, rendered = api.reconstruct(told["run"], 1)
    assert [row["step"] for row in found["steps"]] == [0, 1] and "azimuth_deg" in found["pose"]
    assert found["verdict"]["level"] in ("good", "fair", "poor") and len(found["colours"]) == 10
    before = pixels(rendered)
    colours, rendered = api.recolour(told["run"], json.dumps(dict.fromkeys(found["colours"], "#00ff00")))
    assert set(colours.values()) == {"#00ff00"} and (pixels(rendered) != before).any()
    for end in ("glb", "materials.glb", "mesh.glb", "ply", "obj", "stl"):
        assert len(trimesh.load(api.export(told["run"], end, COARSEST), force="mesh").faces) > 100
    assert json.dumps(found) and found["photo_detail"] in (0, 1)


def test_recolouring_shows_the_textured_object_and_glb_is_textured(live, context, api, detailed, monkeypatch):
    run = context.store.open("anna", detailed)
    monkeypatch.setattr("spir.session.surfaces.photo_detail", lambda verdict: 1.0)
    assert api.reconstruct(run, 2)[0]["photo_detail"] == 1
    now, same = api.recolour(run, {})
    before = pixels(same).astype(int)
    _, green = api.recolour(run, dict.fromkeys(now, "#00ff00"))
    assert before.shape == (128, 128, 3) and live(run).textured.layers
    assert np.abs(pixels(green).astype(int) - before).mean() > 2
    back, again = api.recolour(run, now)
    assert back == now and (pixels(again) == before).all()
    data = Path(api.export(run, "glb", COARSEST)).read_bytes()
    assert b"baseColorTexture" in data and b"COLOR_0" not in data
    assert b"COLOR_0" in Path(api.export(run, "mesh.glb", COARSEST)).read_bytes()


def test_a_longer_run_goes_on(api, run):
    assert [row["step"] for row in api.reconstruct(run, 3)[0]["steps"]] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "colours", ["", "red", "[1]", '{"wings": "#00ff00"}', '{"glass": "red"}', '{"glass": 1}', None]
)
def test_colours_that_are_none(api, run, colours):
    with pytest.raises(gr.Error):
        api.recolour(run, colours)


def test_bad_input_is_told_in_words(api, key, run, sent, wrong_files):
    with pytest.raises(gr.Error, match="not a picture"):
        api.segment(sent(wrong_files["text"])["path"], visitor("anna"))
    with pytest.raises(gr.Error) as caught:
        api.segment(None, visitor("anna"))
    assert caught.value.message == text.NO_PHOTO
    with pytest.raises(gr.Error) as caught:
        api.export(key)
    assert caught.value.message == text.NO_RESULT
    for form, resolution in (("fbx", 128), ("glb", 9999), ("../glb", 128), ("textured.glb", 128)):
        with pytest.raises(gr.Error):
            api.export(run, form, resolution)
    with pytest.raises(gr.Error):
        api.reconstruct("nobody's", 1)


def test_files_lie_in_the_runs_folder(live, api, run):
    assert Path(api.export(run, "stl", COARSEST)).parent == live(run).folder
