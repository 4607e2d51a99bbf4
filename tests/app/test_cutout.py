"""The mask on its way to the browser and back, and the brush's event."""

import base64
import io
import shutil
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from spir.app import text
from spir.app.handlers.cutout import CutoutHandlers
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.cutout.masks import (
    MOST_BYTES,
    SIDE,
    START,
    mask_uri,
    merged,
    read_mask_uri,
    reduced,
    small_size,
)
from spir.photo.cutout import MARGIN
from spir.types import Photo, Segmentation
from tests.app.conftest import visitor

SIZES = [(16, 16), (640, 480), (641, 300), (700, 1000), (1311, 2048), (2048, 17), (1, 3000)]


def soft_mask(height, width, seed=0):
    """Smooth blobs in [0, 1], with many values near one half."""
    coarse = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return smooth[0, 0].contiguous()


def decoded(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))))


def png_uri(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return START + base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("size", SIZES)
def test_what_comes_back_as_it_went_changes_nothing(size):
    mask = soft_mask(*size)
    assert reduced(mask).shape == small_size(*size) and max(small_size(*size)) <= SIDE
    back = read_mask_uri(mask_uri(reduced(mask)), small_size(*size))
    assert (back == reduced(mask)).all() and torch.equal(merged(back, mask, mask), mask)
    # Also where the mask in use is not the segmenter's.
    assert torch.equal(merged(back, mask, soft_mask(*size, seed=1)), mask)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_painted_is_what_the_browser_will_see_and_undoing_is_exact(size):
    automatic, draws = soft_mask(*size), np.random.default_rng(1)
    mask = automatic
    for _ in range(3):
        painted = draws.random(small_size(*size)) < 0.5
        mask = merged(painted, mask, automatic)
        assert (reduced(mask) == painted).all()
    assert torch.equal(merged(reduced(automatic), mask, automatic), automatic)


@pytest.mark.parametrize("size", [(48, 64), (700, 1000), (1311, 2048)])
def test_the_brush_decides_only_where_it_was(size):
    automatic = soft_mask(*size)
    painted = reduced(automatic)
    height, width = painted.shape
    painted[height // 4 : height // 2, width // 4 : width // 2] = True
    mask = merged(painted, automatic, automatic).numpy()
    # The twin, pixel by pixel: which small pixel does each one's middle lie in?
    changed = painted != reduced(automatic)
    for y, x in np.random.default_rng(0).integers(0, size, (3000, 2)):
        owner = int((y + 0.5) * height / size[0]), int((x + 0.5) * width / size[1])
        assert mask[y, x] == (1 if changed[owner] else automatic[y, x])


def test_masks_that_are_none():
    size = (20, 30)
    good = png_uri(np.zeros((20, 30), np.uint8))
    assert not read_mask_uri(good, size).any()
    assert read_mask_uri(png_uri(np.full((20, 30, 4), 255, np.uint8)), size).all()
    jpeg = io.BytesIO()
    Image.new("L", (30, 20)).save(jpeg, "JPEG")
    bad = [
        None,
        7,
        "",
        "white",
        START,
        START + "!!!",
        good[:-40],
        good.replace("png", "jpeg"),
        START + base64.b64encode(jpeg.getvalue()).decode(),
        png_uri(np.zeros((20, 31), np.uint8)),
        png_uri(np.zeros((9000, 9000), np.uint8)),
        START + "A" * MOST_BYTES,
    ]
    for uri in bad:
        with pytest.raises(ValueError):
            read_mask_uri(uri, size)


@pytest.fixture
def brush(context):
    return CutoutHandlers(context)


def sent(key, run, painted=None, **changes):
    """What the panel sends: what is there, or what was painted."""
    mask = mask_uri(reduced(run.mask) if painted is None else painted)
    return {"run": key, "mask": mask, "margin": run.margin, "revision": 1, "edited": True} | changes


def payload(key, run):
    return cutout.payload(key, run.session, "car")


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("rgb", "mask", "box_px"))


def test_the_panel_shows_photo_mask_and_the_exact_input(live, key):
    run = live(key)
    value = payload(key, run)
    assert (
        decoded(value["photo"]).shape == (260, 400, 3) and value["run"] == key and value["margin"] == MARGIN
    )
    assert (decoded(value["mask"]) == 255 * reduced(run.mask)).all() and value["mask"] == value["auto"]
    wanted = ((run.cutout.rgb[0] + 1) * 127.5).round().numpy()
    assert (decoded(value["input"]) == wanted).all() and "transparency" in value["note"]
    for empty in (cutout.empty(), cutout.rejected("No.")):
        assert empty["blank"] and empty["note"] and "input" not in empty


def test_a_large_photo_is_reduced_for_the_browser(live, key):
    run = live(key)
    wide, mask = Photo(torch.zeros(300, 2000, 3, dtype=torch.uint8)), torch.ones(300, 2000)
    value = cutout.payload(
        key, replace(run.session, photo=wide, mask=mask, segmentation=Segmentation(mask, "x")), "car"
    )
    assert decoded(value["photo"]).shape == (96, 640, 3) and decoded(value["mask"]).shape == (96, 640)


def test_a_stroke_that_changes_nothing_leaves_the_cutout_bit_for_bit(live, brush, key):
    run = live(key)
    before, mask, name = run.cutout, run.mask, run.segmenter
    answer = brush.paint(key, sent(key, run))
    assert (
        same(run.cutout, before)
        and torch.equal(run.mask, mask)
        and run.segmenter == name
        and not run.mask_edited
    )
    assert answer["input"] == payload(key, run)["input"] and "mask" not in answer


def test_paint_then_undo(live, brush, key):
    run = live(key)
    before, photo = run.cutout, run.photo.rgb.clone()
    shown = payload(key, run)
    painted = reduced(run.mask)
    painted[10:40, 10:60] = True
    answer = brush.paint(key, sent(key, run, painted, revision=7))
    assert answer["revision"] == 7 and answer["input"] != shown["input"]
    assert answer["note"] == text.cut_by(f"the photo's own transparency{text.AND_BRUSH}")
    assert (reduced(run.mask) == painted).all() and not same(run.cutout, before)
    again = brush.paint(key, sent(key, run, painted))
    assert again["note"] == answer["note"] and again["input"] == answer["input"]
    answer = brush.paint(key, sent(key, run, reduced(run.segmentation.mask)))
    assert same(run.cutout, before) and answer["note"] == shown["note"] and answer["input"] == shown["input"]
    assert torch.equal(run.photo.rgb, photo), "the photo itself is never touched"


def test_whole_picture_and_framing(live, brush, key):
    run = live(key)
    brush.paint(key, sent(key, run, np.ones((260, 400), bool), margin=0))
    assert run.cutout.box_px.tolist() == [[0, -70, 400, 330]]
    brush.paint(key, sent(key, run, margin=0.3))
    assert run.margin == 0.3 and run.cutout.box_px.tolist() == [[-120, -190, 520, 450]]


def test_an_empty_mask_keeps_the_last_good_cutout_and_says_so(live, brush, key):
    run = live(key)
    before, mask = run.cutout, run.mask
    for painted in (np.zeros((260, 400), bool), np.eye(260, 400, dtype=bool) * (np.arange(400) < 5)):
        answer = brush.paint(key, sent(key, run, painted, revision=3))
        assert answer["failed"] and "brush" in answer["note"] and "last cut-out" in answer["note"]
        assert answer["revision"] == 3 and "input" not in answer
        assert run.cutout is before and run.mask is mask


@pytest.mark.parametrize(
    "changes",
    [
        {"mask": None},
        {"mask": png_uri(np.zeros((130, 200), np.uint8))},
        {"margin": -0.01},
        {"margin": 0.31},
        {"margin": float("nan")},
        {"margin": "0.1"},
        {"margin": True},
        {"margin": None},
    ],
)
def test_what_no_panel_sends_is_refused_in_words(live, brush, key, changes):
    run = live(key)
    before = run.cutout
    with pytest.raises(gr.Error) as caught:
        brush.paint(key, sent(key, run, **changes))
    assert caught.value.message == text.BAD_MASK and run.cutout is before


def test_no_value_no_photo_and_a_photo_that_was_overtaken(live, brush, key):
    run = live(key)
    for value in (None, [], "mask"):
        with pytest.raises(gr.Error, match="could not be read"):
            brush.paint(key, value)
    with pytest.raises(gr.Error) as caught:
        brush.paint(None, sent(key, run))
    assert caught.value.message == text.NO_PHOTO
    before = run.cutout
    brush.paint(key, sent("another", run, np.ones((260, 400), bool)))
    assert run.cutout is before
    assert brush.paint(key, sent(key, run, revision="x"))["revision"] == 0


def test_another_segmenter_looks_anew_and_what_was_painted_goes(live, brush, key):
    run = live(key)
    by_itself, shown = run.cutout, payload(key, run)
    assert (
        ["alpha", text.SEGMENTERS["alpha"]] in shown["ways"] and shown["by"] == "auto" and not shown["open"]
    )
    brush.paint(key, sent(key, run, np.ones((260, 400), bool)))
    answer = brush.paint(key, {"run": key, "by": "built-in", "revision": 5})
    assert answer["by"] == "built-in" and answer["open"] and "GrabCut" in answer["note"]
    assert answer["mask"] == answer["auto"] and run.mask is run.segmentation.mask
    brush.paint(key, {"run": key, "by": "alpha", "revision": 6})
    assert same(run.cutout, by_itself)


def test_a_segmenter_that_cannot_run_changes_nothing_and_says_why(live, brush, key, monkeypatch):
    run = live(key)
    before = run.cutout
    monkeypatch.setattr("spir.photo.segmenters.rembg.find_spec", lambda name: None)
    answer = brush.paint(key, {"run": key, "by": "rembg", "revision": 2})
    assert answer["failed"] and "not installed" in answer["note"] and answer["revision"] == 2
    assert run.cutout is before
    for wrong in ("magic", None, 3, ["auto"]):
        with pytest.raises(gr.Error):
            brush.paint(key, {"run": key, "by": wrong})


def test_what_a_photo_shows_is_said_where_it_matters():
    def remark(kinds, others=0):
        return text.remark("car", Segmentation(torch.ones(1, 1), "x", kinds, others))

    assert remark({"car": 0.9}) == "" and remark(None) == "", "nobody could tell"
    assert "chair" in remark({"car": 0.1, "chair": 0.8})
    assert "No car" in remark({"car": 0.1, "chair": 0.1})
    assert "largest" in remark({"car": 0.9}, others=2)
    assert text.ready("") == text.READY and text.ready("Hm.").startswith("Hm. ")


@pytest.fixture
def photo_file(tmp_path, car_png):
    """The drawn car as Gradio hands it over."""
    return {"path": shutil.copy(car_png, tmp_path)}


def test_a_photo_of_something_else_is_told_before_the_run(live, photos, context, photo_file, monkeypatch):
    photo = context.engine.segment
    chair = {"car": 0.1, "chair": 0.8, "bird": 0.0, "plane": 0.0}
    monkeypatch.setattr(
        context.engine, "segment", lambda *given: replace(photo(*given), kinds=chair, others=1)
    )
    *_, (key, panel, line) = photos.segment(photo_file, None, visitor("anna"))
    for told in (panel["note"], line["note"]):
        assert "looks like a chair" in told and "largest" in told
    assert text.READY_ANYWAY in line["note"] and live(key).segmentation.kind == "chair"
