"""Adversarial training as a command: from scratch and from weights, resumed, measured, exported."""

import pytest
import torch

from spir import weights
from spir.data.poses.table import save_table
from spir.generator import generator as networks
from spir.generator.generator import Generator, GeneratorConfig
from spir.train.gan import train as gan
from spir.train.gan.config import PAPER, SMALL
from spir.train.provenance import read_provenance
from spir.train.run import read_checkpoint
from tests.tiny import GENERATOR, tiny_table, tiny_weights

FEW = ["size=16", "batch=4", "samples=4", "grid=4", "sphere_steps=2", "channel_base=128", "channel_max=16"]


@pytest.fixture
def call(tmp_path, drawn_cars, monkeypatch):
    monkeypatch.setattr(networks, "COMPACT", GENERATOR)
    save_table(tmp_path / "poses.safetensors", tiny_table(("car0", "car1", "car2")))
    return [
        "car",
        "--photos",
        str(drawn_cars),
        "--poses",
        str(tmp_path / "poses.safetensors"),
        "--device",
        "cpu",
    ]


def test_from_scratch_and_on_from_there(call, tmp_path, capsys):
    root, run = tiny_weights(tmp_path / "weights"), tmp_path / "run"
    judged = ["--fid", "2", "--fid-every", "2", "--fid-encoder", str(root / "car" / "encoder.safetensors")]
    call = [*call, "--set", *FEW, "--run", str(run), "--planes", "8"]
    gan.main([*call, "--steps", "2"])
    gan.main([*call, "--steps", "3", "--resume", *judged, "--export", str(tmp_path / "g.safetensors")])
    module, extra, _ = weights.load(tmp_path / "g.safetensors", Generator, GeneratorConfig)
    assert (extra["stage"], extra["steps"]) == ("adversarial", 3) and module.config.plane_resolution == 8
    rows = [line.split(",") for line in (run / "fid.csv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["2", "3"] and all(float(row[2]) > 0 for row in rows)
    for path in (tmp_path / "g.safetensors", run / "best.safetensors"):
        record = read_provenance(path)
        assert record["config"]["size"] == 16 and record["config"]["ada"]["target"] == 0.6
        assert record["options"]["preset"] == "small" and "--set size=16 batch=4" in record["command"]
    assert "3 pictures, 4 channels" in capsys.readouterr().out


def test_from_weights_what_is_frozen_stays(call, tmp_path):
    start = tiny_weights(tmp_path / "weights") / "car" / "generator.safetensors"
    more = [
        "--preset",
        "distilled",
        "--start",
        str(start),
        "--set",
        *FEW,
        "distill_reg_points=16",
        "--steps",
        "2",
    ]
    gan.main([*call, *more, "--run", str(tmp_path / "run"), "--export", str(tmp_path / "g.safetensors")])
    before, after = (
        weights.load(path, Generator, GeneratorConfig)[0] for path in (start, tmp_path / "g.safetensors")
    )
    assert torch.equal(before.beta, after.beta)
    assert torch.equal(before.mapping(torch.ones(1, 8)), after.mapping(torch.ones(1, 8)))
    assert not torch.equal(before.decoder.net[0].weight, after.decoder.net[0].weight)


def test_the_discriminator_may_see_imagenet_features(call, tmp_path):
    start = tiny_weights(tmp_path / "weights") / "car" / "generator.safetensors"
    numbers = ["size=64", "batch=4", "samples=4", "grid=4", "distill_reg_points=16"]
    more = ["--preset", "projected", "--start", str(start), "--set", *numbers, "--steps", "2"]
    gan.main([*call, *more, "--run", str(tmp_path / "run"), "--export", str(tmp_path / "g.safetensors")])
    tensors, _ = read_checkpoint(tmp_path / "run")
    assert not any("stem" in name for name in tensors)
    assert read_provenance(tmp_path / "g.safetensors")["config"]["projected"] is True


@pytest.mark.parametrize("part", ("colour-mapping", "path-length", "sdf"))
def test_without_a_part(call, tmp_path, part):
    few = [*FEW, "path_every=1"]
    call = [*call, "--set", *few, "--run", str(tmp_path / "run"), "--planes", "8", "--without", part]
    gan.main([*call, "--steps", "2"])
    _, note = read_checkpoint(tmp_path / "run")
    assert (note["numbers"]["path"] > 0) == (part != "path-length")
    if part == "colour-mapping":
        with pytest.raises(SystemExit, match="without colour mapping"):
            gan.main([*call, "--export", str(tmp_path / "g.safetensors")])


def test_numbers_are_changed_by_name(capsys):
    config = gan.override(SMALL, ["r1=2.5", "batch=16", "ada.target=0.5", "path_every=4"])
    assert (config.r1, config.batch, config.ada.target, config.path_every) == (2.5, 16, 0.5, 4)
    assert config.ada.start_step == SMALL.ada.start_step
    for wrong in ("gamma=1", "batch=many"):
        with pytest.raises(SystemExit):
            gan.override(PAPER, [wrong])
    assert "gamma" in capsys.readouterr().err


def test_what_cannot_be_learnt_from_is_said(call):
    with pytest.raises(SystemExit, match="Nothing was trained"):
        gan.main([*call[:1], "--photos", "nowhere"])
