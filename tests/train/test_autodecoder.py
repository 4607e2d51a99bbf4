"""The autodecoder: photos are reconstructed better, others stay, and the generator is held near its start."""

from dataclasses import replace

import pytest
import torch

from spir import weights
from spir.categories import CATEGORIES
from spir.data.collection import open_collection
from spir.data.poses.table import PoseTable, load_table, save_table
from spir.data.training_set import from_collection
from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.pose import look_at_pose
from spir.inversion.perceptual import EncoderDistance
from spir.train.autodecoder import train as autodecoder
from spir.train.run import TrainingRun, TrainState
from tests.tiny import tiny_encoder, tiny_generator, tiny_weights

QUICK = autodecoder.AutodecoderConfig(size=32, samples=6, batch=2, distill_reg_batch=2, distill_reg_points=64)


def table(generator) -> PoseTable:
    """Three drawn cars in another order than the folder's, seen from the side; two of them kept."""
    names = ("car2", "car0", "car1")
    like = torch.ones(3)
    pose = look_at_pose(80 * like, 5 * like, focal=2 * like, scale=0.7 * like)
    w = torch.randn(3, generator.num_ws, 16)
    scores = (like.clone() for _ in range(4))
    return PoseTable(names, pose, w, *scores, like > 0, torch.tensor([True, False, True]))


@pytest.fixture
def trained(drawn_cars, tmp_path):
    generator = tiny_generator()
    rows = table(generator)
    photos = from_collection(open_collection(drawn_cars), CATEGORIES["car"], 32, rows)
    known = autodecoder.PhotoLatents(rows, photos.names)
    run = TrainingRun(
        tmp_path,
        generator,
        torch.optim.Adam(generator.parameters(), lr=1e-3),
        40,
        warm_up=1,
        others={"objects": TrainState(known, known.optimiser(QUICK))},
    )
    return autodecoder.AutodecoderTrainer(
        run, photos, CATEGORIES["car"], QUICK, EncoderDistance(tiny_encoder())
    ), rows


def test_codes_follow_their_photos(trained):
    trainer, rows = trained
    assert trainer.photos.names == ("car1", "car2")
    w, pose = trainer.latents.module(torch.tensor([0, 1]))
    assert torch.equal(w, rows.w[[2, 0]]) and torch.allclose(pose.scale, rows.pose.scale[:2])


def test_reconstruction_improves_and_who_is_not_asked_stays(trained, monkeypatch):
    trainer, _ = trained
    everyone, still = torch.tensor([0, 1]), torch.tensor([False, False])
    with torch.no_grad():
        before = trainer.loss(everyone, still)
    kept = trainer.latents.module.w[1].clone()
    trainer.config = replace(QUICK, batch=1)
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor([0]))
    numbers = [trainer.step(step) for step in range(8)]
    with torch.no_grad():
        after = trainer.loss(everyone, still)
    assert after[0] < before[0] and torch.equal(trainer.latents.module.w[1], kept)
    assert numbers[0]["distill_reg"] == pytest.approx(0, abs=1e-5) and numbers[-1]["distill_reg"] > 0


def test_a_photo_that_waited_long_moves_no_further_than_others(trained):
    trainer, rows = trained
    latents = autodecoder.PhotoLatents(rows, rows.names)
    optimiser = latents.optimiser(QUICK)
    for step in range(300):
        before = latents.w.detach().clone()
        optimiser.zero_grad()
        index = torch.tensor([1]) if step in (0, 299) else torch.tensor([0])
        latents(index)[0].square().sum().backward()
        optimiser.step()
    moved = (latents.w - before)[1].abs().max()
    assert 0 < moved < 2 * QUICK.code_rate


def test_enlarged_planes_begin_as_they_were():
    generator = tiny_generator()
    larger = autodecoder.enlarged(generator, 2 * generator.config.plane_resolution)
    code = generator.code(torch.randn(2, generator.config.z_dim))
    points = 1.6 * torch.rand(2, 200, 3) - 0.8
    before, after = (network.field(code).sdf(points) for network in (generator, larger))
    assert (before - after).abs().mean() < 0.2 * before.std()
    with pytest.raises(ValueError, match="already"):
        autodecoder.enlarged(generator, generator.config.plane_resolution // 2)


def test_sharpened_attention_keeps_shape_and_the_largest_part():
    generator = tiny_generator()
    code = generator.code(torch.randn(2, generator.config.z_dim))
    points = 1.6 * torch.rand(2, 200, 3) - 0.8
    before = generator.field(code)(points)
    autodecoder.sharpen_attention(generator, 3.0)
    after = generator.field(code)(points)
    assert torch.equal(before.sdf, after.sdf)
    assert torch.equal(before.attention.argmax(-1), after.attention.argmax(-1))
    assert (after.attention.amax(-1) >= before.attention.amax(-1)).all()


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
    monkeypatch.setattr(autodecoder, "AutodecoderConfig", lambda **numbers: QUICK)
    call += ["--loss", "encoder", "--planes", str(2 * generator.config.plane_resolution)]
    call += ["--run", str(tmp_path / "run"), "--export", str(tmp_path / "g.safetensors")]
    autodecoder.main([*call, "--steps", "2", "--found", str(tmp_path / "found.safetensors")])
    found, extra, _ = weights.load(tmp_path / "g.safetensors", Generator, GeneratorConfig)
    assert (extra["stage"], extra["steps"]) == ("fit", 2)
    assert extra["provenance"]["config"]["losses"][0] == ["perceptual", 2.0]
    assert "--steps 2 --found" in extra["provenance"]["command"]
    assert found.config.plane_resolution == 2 * generator.config.plane_resolution
    assert torch.equal(found.beta, generator.beta)
    assert not torch.equal(found.decoder.net[0].weight, generator.decoder.net[0].weight)
    rows, again = table(generator), load_table(tmp_path / "found.safetensors")
    assert again.names == ("car1", "car2") and again.w.shape == (2, 1, 16)
    assert torch.equal(again.reprojection, rows.reprojection[[2, 0]]) and bool(again.kept.all())
    assert torch.allclose(again.pose.scale, rows.pose.scale[:2], atol=0.05)
    with pytest.raises(SystemExit, match="Nothing was trained"):
        autodecoder.main([*call[:4], str(tmp_path / "none"), "--run", str(tmp_path / "run")])
