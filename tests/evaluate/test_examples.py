"""The page's examples: made as the table says, and those that are shipped still fit the shipped weights."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from spir.evaluate.examples import make as examples
from spir.evaluate.examples import scenes as example_scenes
from spir.evaluate.examples.scenes import SCENES, photographed
from spir.photo import read_photo
from spir.pipeline import Reconstructor
from spir.session.archive.reader import read_archive
from spir.weights import load_models
from tests.app.toy import ROOT

SHIPPED = Path(__file__).parents[2] / "assets/examples"


@pytest.fixture
def small(monkeypatch):
    """Everything fast."""
    monkeypatch.setattr(example_scenes, "SIZE", (96, 72))
    turning = Reconstructor.turning
    monkeypatch.setattr(Reconstructor, "turning", lambda engine, fit: turning(engine, fit, 2))


def test_there_are_enough_and_each_is_named_once():
    assert len({scene.name for scene in SCENES}) == len(SCENES)
    assert 6 <= sum(not scene.failure for scene in SCENES) <= 8
    assert sum(bool(scene.failure) for scene in SCENES) == 2
    assert SCENES[0].steps == 30 and not SCENES[0].failure
    assert all(scene.alt and scene.title for scene in SCENES)


def test_an_example_is_a_run_that_comes_back(small):
    engine = Reconstructor.load(root=ROOT, device="cpu", loss="encoder")
    scene = replace(SCENES[1], steps=1)
    files = examples.example(engine, scene)
    kept = read_archive(files["blue-saloon.zip"], engine.category, engine.generator, engine.weights_hash)
    assert [step.index for step in kept.fit.trajectory] == [0, 1]
    photo = read_photo(kept.photo)
    assert photo.rgb.shape == (72, 96, 3) and kept.mask.shape == (72, 96)
    assert torch.equal(kept.mask >= 0.5, photographed(scene).mask >= 0.5)
    assert Image.open(io.BytesIO(files["blue-saloon.jpg"])).size == (120, 90)


def test_half_a_car_loses_its_half_and_the_boat_is_whole(monkeypatch):
    monkeypatch.setattr(example_scenes, "SIZE", (96, 72))
    half = next(scene for scene in SCENES if scene.name == "half-hidden")
    whole, hidden = photographed(replace(half, change=None)), photographed(half)
    assert 0.2 < hidden.mask.sum() / whole.mask.sum() < 0.7
    assert torch.equal(hidden.mask[:, 60:], whole.mask[:, 60:]) and not hidden.mask[:, :50].any()


def test_index_and_readme_say_what_there_is():
    rows = json.loads(examples.index(SCENES))
    assert [row["name"] for row in rows] == [scene.name for scene in SCENES]
    assert rows[0].keys() == {"name", "title", "alt", "failure"}
    text = examples.readme(SCENES, "car", "abc")
    assert all(f"| {scene.name} |" in text and scene.alt in text for scene in SCENES)


def test_what_is_shipped_is_of_the_shipped_weights():
    """Fails where the weights are new: `python -m spir.evaluate.examples car` makes the examples again."""
    models = load_models("car")
    assert (SHIPPED / "index.json").read_text() == examples.index(SCENES)
    for scene in SCENES:
        data = (SHIPPED / f"{scene.name}.zip").read_bytes()
        kept = read_archive(data, models.category, models.generator, models.hash)
        assert kept.fit.trajectory[-1].index == scene.steps
        assert kept.mask.shape == read_photo(kept.photo).rgb.shape[:2]
        assert len((SHIPPED / f"{scene.name}.jpg").read_bytes()) < 10_000
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 9_000_000
