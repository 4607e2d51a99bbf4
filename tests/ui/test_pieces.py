"""Nouns to what the page draws: pictures, messages, colours."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from spir.types import Code, Cutout, Guess, Photo, Pose, Step
from spir.ui import orbit, pictures, preview, swatches, timeline

POSE = Pose(torch.zeros(1), torch.zeros(1, 2), torch.ones(1), torch.tensor([[1.0, 0, 0, 0]]))


def decoded(uri):
    kind, data = uri.split(",", 1)
    assert kind in ("data:image/png;base64", "data:image/jpeg;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.fixture
def cutout():
    """A white square on grey; its box reaches outside a photo of 100 x 60 pixels."""
    mask = torch.zeros(1, 16, 16)
    mask[:, 4:12, 4:12] = 1
    rgb = mask[..., None].expand(1, 16, 16, 3).clone()
    return Cutout(rgb, mask, torch.tensor([[-20.0, -20, 80, 80]]))


@pytest.fixture
def photo():
    return Photo(torch.full((60, 100, 3), 90, dtype=torch.uint8))


def test_png_is_exact_and_jpeg_is_close():
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert (decoded(pictures.png(picture)) == picture).all()
    flat = np.full((16, 16, 3), 77, np.uint8)
    assert np.abs(decoded(pictures.jpeg(flat)).astype(int) - 77).max() <= 2


def test_the_overlay_dims_what_is_not_the_object(photo, cutout):
    drawn = pictures.overlay(photo, cutout).astype(int)
    assert drawn.shape == (60, 100, 3)
    # The mask's middle half lies at 5 to 55 of the photo on both axes.
    assert np.abs(drawn[30, 30] - 90).max() <= 2
    assert drawn[30, 80].min() > 150
    assert np.ptp(drawn[30, 3:7], axis=-1).max() > 40, "a pink seam between them"


def test_large_photos_are_reduced_for_the_preview(cutout):
    large = Photo(torch.zeros(300, 1500, 3, dtype=torch.uint8))
    assert pictures.overlay(large, cutout).shape == (96, 480, 3)


def test_the_preview_shows_the_networks_input_pixel_by_pixel(photo, cutout):
    value = preview.shown(photo, cutout, "somebody")
    assert "somebody" in value["note"]
    seen = decoded(value["input"])
    assert seen.shape == (16, 16, 3) and seen[8, 8, 0] == 255 and seen[0, 0, 0] == 128
    assert "overlay" not in preview.rejected("No.") and preview.rejected("No.")["note"].startswith("No.")


def test_messages_of_a_run(cutout):
    nocs = torch.rand(1, 16, 16, 3) - 0.5
    guess = Guess(nocs, cutout.mask, Code(torch.zeros(1, 1, 4)), POSE, torch.zeros(1), ("few points",))
    opened = timeline.opened("k", cutout, guess, 10, 1.0)
    assert (
        opened["run"] == "k" and opened["total"] == 10 and opened["clear"] and "few points" in opened["note"]
    )
    assert decoded(opened["nocs"])[0, 0].tolist() == [255, 255, 255], "nothing was seen there"
    rgb = cutout.rgb.clone()
    rgb[0, 8, 8] = -1
    step = Step(3, guess.code, POSE, rgb, cutout.mask, torch.tensor([float("inf")]), 1.23456)
    frame = timeline.frame(step, cutout, {"iou": 0.98765})
    assert (frame["step"], frame["loss"], frame["seconds"], frame["iou"]) == (3, None, 1.235, 0.9877)
    error = decoded(frame["error"]).astype(int)
    assert error[8, 8].sum() < error[2, 2].sum() - 300, "dark is wrong"


def test_the_orbit_sends_every_frame():
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    assert len(orbit.views("k", frames)["views"]) == 3 and orbit.nothing()["views"] == []


def test_colours_survive_the_page():
    palette = torch.tensor([[1.002, -1.0, 0.0], [0.2, 0.3, -0.4]])
    value = swatches.found("k", palette, ("body paint",))
    assert value["names"] == ["body paint", "colour 2"] and value["colours"][0] == "#ff0080"
    assert torch.equal(swatches.chosen(value, palette), palette)
    value["colours"][1] = "#FF0000"
    changed = swatches.chosen(value, palette)
    assert torch.equal(changed[0], palette[0]) and changed[1].tolist() == [1, -1, -1]


@pytest.mark.parametrize(
    "value",
    [None, {}, {"colours": "#ff0000"}, {"colours": ["#ff0000"]}, {"colours": ["#ff0000", "red"]},
     {"colours": ["#ff0000", 5]}, {"colours": ["#ff0000", "#ff00001"]}],
)  # fmt: skip
def test_what_the_page_sends_is_not_trusted(value):
    with pytest.raises(ValueError):
        swatches.chosen(value, torch.zeros(2, 3))
