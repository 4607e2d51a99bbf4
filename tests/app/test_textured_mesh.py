"""The photo's detail on the page: made once a fit, bounded by the verdict, in the visitor's colours, gone with the run."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
import torch
import trimesh

from spir.app import mesh_text
from spir.app.data_uris import hex_colours
from spir.app.handlers.mesh import COARSEST, FINEST, FORMATS, WITH_TEXTURE
from spir.errors import NoPaletteError
from spir.outputs.export.textured import TEXTURED
from spir.outputs.layer_file import layers_from
from spir.session import surfaces
from spir.session.surfaces import RESOLUTION

GREEN = {"run": "any", "colours": ["#00ff00"] * 10}


@pytest.fixture
def events(meshes):
    return meshes


@pytest.fixture
def key(fitted_key):
    return fitted_key


@pytest.fixture
def run(live, key):
    return live(key)


@pytest.fixture
def trusted(monkeypatch):
    """The toy's fits are all poor."""
    monkeypatch.setattr("spir.session.surfaces.photo_detail", lambda verdict: 1.0)


@pytest.fixture
def there(run, detailed, trusted):
    """A mesh and a surface with the photo's detail are there."""
    run.change(surface=detailed.surface, textured=detailed.textured)


@pytest.fixture
def made(context, monkeypatch):
    """With which detail and how many texels a side surfaces were made."""
    calls, plain = [], context.engine.appearance

    def counted(*parts):
        calls.append((parts[4].detail, parts[4].texture))
        return plain(*parts)

    monkeypatch.setattr(context.engine, "appearance", counted)
    return calls


def scene(path):
    return trimesh.load(path, force="mesh")


def test_a_surface_is_made_once_for_all_colours_and_amounts(events, run, key, made, trusted):
    _, surface = events.textured(key, run.session)
    events.textured(key, events.context.with_colours(run.session, GREEN), COARSEST, 0.5)
    events.save_handler("glb")(key, GREEN, COARSEST)
    assert made == [(1.0, 128)] and len(surface.light) == 128
    assert len(run.textured.layers) < 250_000
    events.textured(key, run.session, FINEST)
    events.textured(key, run.session, RESOLUTION)
    assert made == [(1.0, 128), (1.0, 256)]


def test_another_step_or_cut_out_is_another_surface(runs, events, run, key, made):
    events.textured(key, run.session)
    runs.use(key, {"looked_at": 0})
    events.textured(key, run.session)
    trajectory = replace(run.result.trajectory, cutout=replace(run.fitted_cutout))
    run.change(result=replace(run.result, trajectory=trajectory))
    events.textured(key, run.session)
    assert len(made) == 3


def test_colours_are_those_that_were_found_until_somebody_changes_them(events, run, key, there):
    found = events.context.engine.palette(run.fit.code)[0]
    _, green = events.textured(key, events.context.with_colours(run.session, GREEN))
    assert torch.equal(layers_from(run.textured.layers).generated_palette, found)
    assert torch.allclose(green.palette, torch.tensor([-1.0, 1, -1]).expand(10, 3))
    # Back to what was found, by the bytes that the page shows: the photo's own colours again.
    _, back = events.textured(key, events.context.with_colours(run.session, {"colours": hex_colours(found)}))
    assert torch.equal(back.palette, layers_from(run.textured.layers).palette)


def test_a_poor_fit_takes_no_detail_and_the_page_says_why(events, run, key, made):
    assert surfaces.detail(events.context.engine, run.session) == 0
    path, value, _ = events.mesh(key, None, COARSEST)
    assert mesh_text.PHOTO_DETAIL_OFF in value["note"] and value["weights"] and not made
    assert events.textured(key, run.session)[1].detail == 0 and made == [(0.0, 128)]


def test_a_mixed_object_takes_none_either(events, run, key, made, trusted):
    run.change(result=replace(run.result, mixed=replace(run.fit.code, w=run.fit.code.w + 0.5)))
    assert mesh_text.MIXED in events.mesh(key, None, COARSEST)[1]["note"] and not made


def test_the_viewer_gets_a_texture_and_the_page_no_weights(events, run, key, there):
    path, value, plot = events.mesh(key, GREEN, COARSEST)
    assert plot is None and value["stale"] == mesh_text.STALE and "weights" not in value
    assert value["run"] == key and value["colours"] == GREEN["colours"] and "triangles" in value["note"]
    assert scene(path).visual.kind == "texture"
    assert events.mesh(key, GREEN, COARSEST, 0)[1]["weights"]


@pytest.mark.parametrize("detail", [-0.1, 1.1, float("nan"), "1", None, True, [1]])
def test_an_amount_that_cannot_be(events, key, detail):
    with pytest.raises(gr.Error) as caught:
        events.mesh(key, None, COARSEST, detail)
    assert caught.value.message == mesh_text.BAD_DETAIL


def test_every_format_has_a_button_and_a_file(events, run, key, there):
    assert set(WITH_TEXTURE.values()) <= set(TEXTURED) and "glb" in FORMATS and "mesh.glb" in FORMATS
    assert len({mesh_text.button(form) for form in FORMATS}) == len(FORMATS)
    for form in WITH_TEXTURE:
        path = events.save_handler(form)(key, None, COARSEST)
        assert path.endswith(f"car.{form}")
        data = Path(path).read_bytes()
        assert data[:4] == (b"glTF" if form.endswith("glb") else b"PK\x03\x04")


def test_without_a_palette_there_is_the_plain_glb_and_no_other(events, run, key, monkeypatch, trusted):
    def fall(*_):
        raise NoPaletteError("no mixture of a palette")

    monkeypatch.setattr(events.context.engine, "appearance", fall)
    assert b"COLOR_0" in Path(events.save_handler("glb")(key, None, COARSEST)).read_bytes()
    with pytest.raises(gr.Error) as caught:
        events.save_handler("materials.glb")(key, None, COARSEST)
    assert caught.value.message == mesh_text.NO_TEXTURE
    assert events.mesh(key, None, COARSEST)[1]["weights"]


def test_it_is_gone_with_the_run(events, run, key, there):
    events.context.store.close(key)
    with pytest.raises(gr.Error):
        events.mesh(key, None, COARSEST)
