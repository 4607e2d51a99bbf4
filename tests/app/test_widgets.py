"""Nouns to what the page draws: pictures, messages, colours."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from spir.app import data_uris as pictures
from spir.app.widgets.orbit import widget as orbit
from spir.app.widgets.swatches import widget as swatches
from spir.app.widgets.timeline import widget as timeline
from spir.categories import CATEGORIES
from spir.types import Code, Cutout, Guess, Outcome, Pose, Step

POSE = Pose(torch.zeros(1), torch.zeros(1, 2), torch.ones(1), torch.tensor([[1.0, 0, 0, 0]]))


def decoded(uri):
    kind, data = uri.split(",", 1)
    assert kind in ("data:image/png;base64", "data:image/webp;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.fixture
def cutout():
    """A white square on grey; its box reaches outside a photo of 100 x 60 pixels."""
    mask = torch.zeros(1, 16, 16)
    mask[:, 4:12, 4:12] = 1
    rgb = mask[..., None].expand(1, 16, 16, 3).clone()
    return Cutout(rgb, mask, torch.tensor([[-20.0, -20, 80, 80]]))


def test_png_is_exact_and_small_is_close():
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert (decoded(pictures.png(picture)) == picture).all()
    flat = np.full((16, 16, 3), 77, np.uint8)
    assert np.abs(decoded(pictures.small(flat)).astype(int) - 77).max() <= 2


def test_messages_of_a_run(cutout):
    nocs = torch.rand(1, 16, 16, 3) - 0.5
    guess = Guess(nocs, cutout.mask, Code(torch.zeros(1, 1, 4)), POSE, torch.zeros(1), (Outcome.TOO_FEW,))
    opened = timeline.opened("k", cutout, guess, 10, CATEGORIES["car"])
    assert opened["run"] == "k" and opened["total"] == 10 and opened["clear"] and "too few" in opened["note"]
    assert decoded(opened["nocs"])[0, 0].tolist() == [255, 255, 255], "nothing was seen there"
    rgb = cutout.rgb.clone()
    rgb[0, 8, 8] = -1
    step = Step(3, guess.code, POSE, rgb, cutout.mask, torch.tensor([float("inf")]), 1.23456)
    frame = timeline.frame(step, {"iou": 0.98765})
    assert (frame["step"], frame["loss"], frame["seconds"], frame["iou"]) == (3, None, 1.235, 0.9877)
    assert decoded(frame["render"]).shape == (16, 16, 3)


def test_the_orbit_sends_what_it_was_given():
    assert orbit.more("k", [b"one", b"two"])["parts"] == [pictures.webp(b"one"), pictures.webp(b"two")]
    assert orbit.empty()["parts"] == []


def test_colours_survive_the_page():
    palette = torch.tensor([[1.002, -1.0, 0.0], [0.2, 0.3, -0.4]])
    value = {"colours": swatches.payload("k", palette, ("body paint", "glass"))["found"]}
    assert value["colours"][0] == "#ff0080" == swatches.borrowed("k", palette)["borrowed"][0]
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
