"""The mesh on the page: what the browser gets is what it needs to colour it by itself."""

import base64
import io
import zlib
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
import trimesh

from spir.app import text
from spir.app.widgets.mesh import widget as meshing
from spir.errors import EmptySurfaceError
from spir.outputs.edits import recolour_mesh
from spir.outputs.export.plain import EXPORTS
from spir.types import Mesh

COARSE = 64
GREEN = ["#00ff00"] * 10


@pytest.fixture
def events(meshes):
    return meshes


def colours(value):
    return {"run": "any", "colours": value}


def test_weights_are_those_of_the_vertices():
    attention = torch.rand(50, 10).softmax(-1)
    value = meshing.plain(
        "k", Mesh(torch.zeros(50, 3), torch.zeros(1, 3).long(), attention[:, :3], attention), [], ""
    )
    raw = np.frombuffer(zlib.decompress(base64.b64decode(value["weights"])), np.uint8).reshape(50, 10)
    assert (raw.sum(1) == 255).all() and value["values"] == 10
    assert np.abs(raw / 255 - attention.numpy()).max() < 1 / 255
    with pytest.raises(ValueError, match="how its colours"):
        meshing.plain("k", Mesh(torch.zeros(3, 3), torch.zeros(1, 3).long(), torch.zeros(3, 3)), [], "")


def test_the_plot_shows_every_colour_as_it_is():
    palette = torch.tensor([[200.0, 60, 40], [0, 255, 128]]) / 127.5 - 1
    mesh = Mesh(torch.eye(3), torch.tensor([[0, 1, 2]]), torch.zeros(3, 3), torch.eye(2)[[0, 1, 0]])
    drawn = meshing.figure(recolour_mesh(mesh, palette))
    assert list(drawn.data[0].vertexcolor) == ["rgb(200,60,40)", "rgb(0,255,128)", "rgb(200,60,40)"]
    light = drawn.data[0].lighting
    assert (light.ambient, light.diffuse, light.specular, light.fresnel) == (1, 0, 0, 0)
    assert drawn.layout.scene.camera.up.y == 1


def test_a_mesh_in_the_visitors_colours(live, events, fitted_key):
    path, value, plot = events.mesh(fitted_key, colours(GREEN), COARSE, 0)
    run = live(fitted_key)
    assert path.startswith(str(run.folder)) and plot is None
    assert value["run"] == fitted_key and value["colours"] == GREEN and "triangles" in value["note"]
    green = events.context.with_colours(run.session, colours(GREEN))
    _, surface = events.plain(fitted_key, green, COARSE)
    assert len(zlib.decompress(base64.b64decode(value["weights"]))) == 10 * len(surface.vertices)
    assert Path(path).read_bytes() == EXPORTS["glb"](surface, events.context.engine.camera(green.fit.pose))
    assert run.surface.mesh.attention is not None


def test_only_a_new_shape_or_fineness_is_meshed_again(live, events, fitted_key, monkeypatch):
    made, mesh = [], events.context.engine.mesh

    def counted(fit, resolution):
        made.append(resolution)
        return mesh(fit, resolution)

    monkeypatch.setattr(events.context.engine, "mesh", counted)
    run = live(fitted_key)
    _, first = events.plain(fitted_key, run.session, COARSE)
    _, green = events.plain(fitted_key, events.context.with_colours(run.session, colours(GREEN)), COARSE)
    assert made == [COARSE] and torch.equal(first.vertices, green.vertices)
    assert torch.allclose(green.colours, torch.tensor([-1.0, 1, -1]), atol=1e-2)
    events.plain(fitted_key, run.session, COARSE + 1)
    other = replace(run.fit.code, w=run.fit.code.w + 0.1)
    events.plain(fitted_key, replace(run.session, result=replace(run.result, mixed=other)), COARSE + 1)
    assert made == [COARSE, COARSE + 1, COARSE + 1]


def test_every_plain_format_is_written(events, fitted_key):
    for ending in ("mesh.glb", "ply", "obj", "stl"):
        path = events.save_handler(ending)(fitted_key, colours(GREEN), COARSE)
        assert path.endswith(f"car.{ending}")
        ending = ending.rpartition(".")[2]
        with open(path, "rb") as file:
            shape = trimesh.load(io.BytesIO(file.read()), file_type=ending, force="mesh")
        assert len(shape.faces) > 100
        if ending == "ply":
            assert (shape.visual.vertex_colors[:, :3] == [0, 255, 0]).all()


def test_true_colours_show_the_plot(events, fitted_key):
    update = events.true_colours(fitted_key, None, COARSE)
    assert update["visible"] and update["value"].data[0].type == "mesh3d"


@pytest.mark.parametrize("resolution", [63, 257, 100.5, float("nan")])
def test_a_fineness_that_cannot_be(events, fitted_key, resolution):
    with pytest.raises(gr.Error) as caught:
        events.mesh(fitted_key, None, resolution)
    assert caught.value.message == text.BAD_RESOLUTION


def test_a_result_without_a_surface_is_told(events, fitted_key, monkeypatch):
    def empty(fit, resolution):
        raise EmptySurfaceError("nowhere negative")

    monkeypatch.setattr(events.context.engine, "mesh", empty)
    with pytest.raises(gr.Error) as caught:
        events.mesh(fitted_key, None, COARSE)
    assert caught.value.message == text.NO_SURFACE


def test_nothing_without_a_result(events, key):
    with pytest.raises(gr.Error) as caught:
        events.mesh(key, None, COARSE)
    assert caught.value.message == text.NO_RESULT
