"""The linear reading finds again what w says linearly, and the weights of a category carry it where it is
there."""

import shutil

import pytest
import torch

from spir.formulas import FORMULAS
from spir.formulas.reading import Reading
from spir.generator.generator import Generator
from spir.train.distill.reading import fit_reading, main
from spir.train.provenance import read_provenance
from spir.weights import load_models, save
from tests.tiny import GENERATOR, tiny_weights

CAR = FORMULAS["car"]


class Spoken(Generator):
    """A generator whose w is an invertible linear map of class and parameters."""

    def __init__(self):
        super().__init__(GENERATOR)
        count = len(CAR.table.classes) + CAR.table.moves
        self.mix = torch.linalg.qr(torch.randn(count, count, generator=torch.Generator().manual_seed(0)))[0]

    def mapping(self, z):
        truth = torch.cat((CAR.table.class_weights(z), *CAR.table.decode(z).values()), 1)
        return truth @ self.mix


def test_what_w_says_linearly_is_read():
    torch.manual_seed(0)
    spoken = Spoken()
    reading, explained = fit_reading(spoken, CAR)
    assert explained.median() > 0.98
    z = torch.randn(1, CAR.z_dim)
    weights, _ = reading.objects(spoken.mapping(z), CAR.table)
    assert weights.argmax() == CAR.table.class_weights(z).argmax()


def test_the_command_writes_a_file_that_says_how_it_was_made(tmp_path, capsys):
    root = tiny_weights(tmp_path)
    generator_file = root / "car" / "generator.safetensors"
    with pytest.raises(SystemExit, match="Nothing was read"):
        main(["car", "--generator", str(tmp_path / "none"), "--export", str(tmp_path / "r")])
    assert load_models("car", root).reading is None
    # The formula's z is longer than the tiny network's.
    config = type(GENERATOR)(**{**vars(GENERATOR), "z_dim": CAR.z_dim})
    generator = Generator(config)
    save(generator_file, generator, config)
    main(["car", "--generator", str(generator_file), "--export", str(tmp_path / "reading.safetensors")])
    assert "explained" in capsys.readouterr().out
    record = read_provenance(tmp_path / "reading.safetensors")
    assert record["command"].startswith("python -m spir.train.distill.reading car")
    assert record["options"]["seed"] == 0
    shutil.copy(tmp_path / "reading.safetensors", root / "car" / "reading.safetensors")
    models = load_models("car", root)
    assert isinstance(models.reading, Reading) and models.reading.config.w_dim == config.w_dim
