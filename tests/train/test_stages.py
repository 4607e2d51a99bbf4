"""The stages as commands, end to end in miniature: distil, views, encoder, each resuming."""

import pytest
import torch

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.generator.generator import Generator, GeneratorConfig
from spir.train.distill import train as distil
from spir.train.encoder import train as encoder
from spir.train.encoder import views

SMALL = GeneratorConfig(64, 16, 16, 4, 128, 16)
TINY_ENCODER = EncoderConfig(
    (8, 8, 16, 16),
    (1, 1, 2, 2),
    (1, 1, 1, 1),
    decode_width=16,
    head_width=16,
    in_channels=4,
    map_upsample=1,
    w_dim=16,
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_ladder_of_stages(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(distil, "COMPACT", SMALL)
    monkeypatch.setattr(encoder, "COMPACT", TINY_ENCODER)
    monkeypatch.setattr(views, "VIEW_SIZE", 64)
    generator = tmp_path / "generator.safetensors"
    run = ["--run", str(tmp_path / "distil"), "--batch", "2", "--align", "2"]
    distil.main(["car", "--steps", "2", *run])
    distil.main(["car", "--steps", "4", *run, "--resume", "--export", str(generator)])
    module, extra, _ = weights.load(generator, Generator, GeneratorConfig)
    assert extra["steps"] == 4 and module.config.plane_resolution == 16
    assert torch.allclose(module.beta, torch.tensor([distil.DistilConfig.beta]))

    for teacher in ("generator", "procedural"):
        views.main(
            ["car", "--teacher", teacher, "--generator", str(generator), "--objects", "2", "--views", "2"]
            + ["--out", str(tmp_path / "bank")]
        )
    bank = ["--views", str(tmp_path / "bank"), "--generator", str(generator)]
    exported = tmp_path / "encoder.safetensors"
    encoder.main(
        [
            "car",
            "--steps",
            "2",
            *bank,
            "--batch",
            "2",
            "--run",
            str(tmp_path / "encoder"),
            "--export",
            str(exported),
        ]
    )
    _, extra, _ = weights.load(exported, Encoder, EncoderConfig)
    assert extra["focal_guesses"] and extra["steps"] == 2
    with pytest.raises(SystemExit, match="holds no views"):
        encoder.main(["car", "--views", str(tmp_path / "nothing"), "--generator", str(generator)])


def test_distillation_learns(tmp_path, monkeypatch):
    """A tiny generator gets much closer to the cars within eighty steps."""
    monkeypatch.setattr(distil, "COMPACT", SMALL)
    distil.main(["car", "--steps", "80", "--batch", "2", "--align", "2", "--run", str(tmp_path / "run")])
    rows = [line.split(",") for line in (tmp_path / "run" / "log.csv").read_text().splitlines()]
    error = rows[0].index("error")
    assert float(rows[-1][error]) < 0.65 * float(rows[1][error])
