"""The stages as commands, end to end in miniature: distillation, views, encoder, each resuming."""

import pytest
import torch

from spir import weights
from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.formulas import FORMULAS
from spir.generator.generator import Generator, GeneratorConfig
from spir.train.distill import train as distill
from spir.train.distill.points import sample
from spir.train.encoder import train as encoder
from spir.train.encoder import views
from spir.train.provenance import read_provenance
from tests.tiny import ENCODER

SMALL = GeneratorConfig(64, 16, 16, 4, 128, 16)
BOX = (torch.tensor([-0.4, -0.3, -0.9]), torch.tensor([0.4, 0.3, 0.9]))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(distill, "COMPACT", SMALL)
    # The box of all cars takes half a minute of formulas.
    monkeypatch.setattr(distill, "box", lambda field: BOX)
    monkeypatch.setitem(encoder.CONFIGS, "segformer", ENCODER)
    monkeypatch.setattr(views, "VIEW_SIZE", 32)
    monkeypatch.setattr(views, "OBJECTS_PER_SHARD", 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_stages_build_on_each_other(tmp_path, small, capsys):
    generator = tmp_path / "generator.safetensors"
    run = ["--run", str(tmp_path / "distil"), "--batch", "2", "--align", "1", "--planes", "16"]
    distill.main(["car", "--steps", "1", *run])
    distill.main(["car", "--steps", "2", *run, "--resume", "--export", str(generator)])
    module, extra, _ = weights.load(generator, Generator, GeneratorConfig)
    assert extra["steps"] == 2 and module.config.plane_resolution == 16
    assert torch.allclose(module.beta, torch.tensor([distill.DistillConfig.beta]))
    record = read_provenance(generator)
    assert record["command"].startswith("python -m spir.train.distill car --steps 2")
    assert record["config"]["batch"] == 2 and record["config"]["palette_weight"] == 0.5
    assert record["options"]["resume"] is True

    for teacher in ("generator", "procedural"):
        views.main(
            ["car", "--teacher", teacher, "--generator", str(generator), "--objects", "2", "--views", "1"]
            + ["--out", str(tmp_path / "views")]
        )
    data = ["--views", str(tmp_path / "views"), "--generator", str(generator)]
    exported = tmp_path / "encoder.safetensors"
    call = ["car", "--steps", "2", *data, "--batch", "2", "--run", str(tmp_path / "encoder")]
    encoder.main([*call, "--export", str(exported)])
    _, extra, _ = weights.load(exported, Encoder, EncoderConfig)
    assert extra["focal_guesses"] and extra["steps"] == 2
    assert read_provenance(exported)["config"]["object_weight"] == encoder.EncoderTrainingConfig.object_weight
    with pytest.raises(SystemExit, match="holds no views"):
        encoder.main(["car", "--views", str(tmp_path / "nothing"), "--generator", str(generator)])
    with pytest.raises(SystemExit, match="not FOLDER=SHARE"):
        encoder.main(["car", *data, "--also", "views=2"])


def test_distillation_lowers_the_error_of_what_it_sees(small):
    torch.manual_seed(0)
    config = distill.DistillConfig(batch=2)
    generator, procedural = distill.build_generator("car", config, "cpu", 16), FORMULAS["car"]
    z = torch.randn(2, procedural.z_dim)
    truth = sample(procedural.field(z), 2, BOX, on_surface=64, near=64, free=256)
    trained = [p for p in generator.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=config.rate, betas=(0.9, 0.99))
    errors = []
    for _ in range(40):
        terms = distill.losses(generator, generator.code(z), truth, config)
        optimiser.zero_grad()
        (terms["distance"] + config.colour_weight * terms["colour"]).backward()
        optimiser.step()
        errors.append(float(terms["error"]))
    assert errors[-1] < 0.5 * errors[0]
