"""The data-fit rung: photos are reconstructed better, untouched ones stay, and the anchor is felt."""

from dataclasses import replace

import pytest
import torch

from spir import weights
from spir.bootstrap.encoder import Encoder
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.table import PoseTable, load_table, save_table
from spir.data.training_set import from_collection
from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.pose import look_at_pose
from spir.inversion.perceptual import EncoderDistance
from spir.train.autodecoder import train as fit
from spir.train.run import Learner, Run
from tests.tiny import ENCODER, GENERATOR, tiny_weights

QUICK = fit.FitConfig(size=32, samples=6, batch=2, anchor_batch=2, anchor_points=64)


def table(generator) -> PoseTable:
    """Three drawn cars in another order than the folder's, seen from the side; two of them kept."""
    names = ("car2", "car0", "car1")
    like = torch.ones(3)
    pose = look_at_pose(80 * like, 5 * like, focal=2 * like, scale=0.7 * like)
    w = torch.randn(3, generator.num_ws, 16)
    scores = (like.clone() for _ in range(4))
    return PoseTable(names, pose, w, *scores, like > 0, torch.tensor([True, False, True]))


@pytest.fixture
def fitting(drawn_cars, tmp_path):
    torch.manual_seed(0)
    generator = Generator(GENERATOR)
    generator.beta.data.fill_(0.05)
    generator.alpha.data.fill_(0.05)
    rows = table(generator)
    photos = from_collection(open_collection(drawn_cars), CATEGORIES["car"], 32, rows)
    known = fit.Objects(rows, photos.names)
    run = Run(
        tmp_path,
        generator,
        torch.optim.Adam(generator.parameters(), lr=1e-3),
        40,
        warm_up=1,
        others={"objects": Learner(known, torch.optim.Adam(known.groups(QUICK), betas=(0.0, 0.99)))},
    )
    encoder = Encoder(ENCODER).eval().requires_grad_(False)
    return fit.Fitting(run, photos, CATEGORIES["car"], QUICK, EncoderDistance(encoder)), rows


def test_codes_follow_their_photos(fitting):
    game, rows = fitting
    assert game.photos.names == ("car1", "car2")
    w, pose = game.objects.module(torch.tensor([0, 1]))
    assert torch.equal(w, rows.w[[2, 0]]) and torch.allclose(pose.scale, rows.pose.scale[:2])


def test_reconstruction_improves_and_who_is_not_asked_stays(fitting, monkeypatch):
    game, _ = fitting
    everyone, still = torch.tensor([0, 1]), torch.tensor([False, False])
    with torch.no_grad():
        before = game.loss(everyone, still)
    kept = game.objects.module.w[1].clone()
    game.config = replace(QUICK, batch=1)
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor([0]))
    numbers = [game.step(step) for step in range(12)]
    with torch.no_grad():
        after = game.loss(everyone, still)
    assert after[0] < before[0] and torch.equal(game.objects.module.w[1], kept)
    assert numbers[0]["anchor"] == pytest.approx(0, abs=1e-5) and numbers[-1]["anchor"] > 0


def test_the_command_exports_a_generator(drawn_cars, tmp_path, monkeypatch):
    root = tiny_weights(tmp_path / "weights")
    start = root / "car" / "generator.safetensors"
    generator = weights.load(start, Generator, GeneratorConfig)[0]
    save_table(tmp_path / "poses.safetensors", table(generator))
    call = [
        "car",
        "--photos",
        str(drawn_cars),
        "--poses",
        str(tmp_path / "poses.safetensors"),
        "--device",
        "cpu",
    ]
    call += ["--start", str(start), "--encoder", str(root / "car" / "encoder.safetensors")]
    monkeypatch.setattr(fit, "FitConfig", lambda: QUICK)
    call += ["--run", str(tmp_path / "run"), "--export", str(tmp_path / "g.safetensors")]
    fit.main([*call, "--steps", "2", "--found", str(tmp_path / "found.safetensors")])
    found, extra, _ = weights.load(tmp_path / "g.safetensors", Generator, GeneratorConfig)
    assert extra == {"stage": "fit", "steps": 2}
    assert torch.equal(found.beta, generator.beta)
    assert not torch.equal(found.decoder.net[0].weight, generator.decoder.net[0].weight)
    rows, again = table(generator), load_table(tmp_path / "found.safetensors")
    assert again.names == ("car1", "car2") and again.w.shape == (2, 1, 16)
    assert torch.equal(again.reprojection, rows.reprojection[[2, 0]]) and bool(again.kept.all())
    assert torch.allclose(again.pose.scale, rows.pose.scale[:2], atol=0.05)
    with pytest.raises(SystemExit, match="Nothing was trained"):
        fit.main([*call[:4], str(tmp_path / "none"), "--run", str(tmp_path / "run")])
