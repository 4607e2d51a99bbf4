"""Weights survive the trip to disk, and a bad file is named instead of crashing later."""

import hashlib
import shutil
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from spir.bootstrap.encoder import Encoder
from spir.categories import CATEGORIES
from spir.errors import WeightsError
from spir.generator.generator import Generator, GeneratorConfig
from spir.weights import default_categories, load, load_models, save
from tests.tiny import ENCODER, tiny_weights

SMALL = GeneratorConfig(8, 16, 8, 2, 64, 8, values=3, hidden=4, scene_range=0.7)


@dataclass(frozen=True)
class ToyConfig:
    sizes: tuple[int, ...] = (3, 2)


class Toy(nn.Module):
    """Something with a buffer and an integer."""

    def __init__(self, config: ToyConfig):
        super().__init__()
        self.config = config
        self.linear = nn.Linear(*config.sizes)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "room" / "generator.safetensors"


def test_a_generator_comes_back(path):
    torch.manual_seed(0)
    generator = Generator(SMALL)
    save(path, generator, SMALL, iteration=7, focal_guesses=[1.0, 2.0])
    loaded, extra, digest = load(path, Generator, GeneratorConfig)
    assert loaded.config == SMALL and extra == {"iteration": 7, "focal_guesses": [1.0, 2.0]}
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    ours = loaded.state_dict()
    assert all(tensor.dtype == torch.float32 for tensor in ours.values())
    for name, tensor in generator.state_dict().items():
        assert torch.allclose(ours[name], tensor, rtol=1e-3, atol=1e-7), name
    code = generator.code(torch.randn(1, 8))
    assert (loaded.planes(code) - generator.planes(code)).abs().max() < 0.02 * generator.planes(code).std()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_matrices_take_two_bytes_and_the_density_keeps_its_digits(path):
    generator = Generator(SMALL)
    generator.beta.data.fill_(0.0123456)
    save(path, generator, SMALL)
    assert torch.equal(load(path, Generator, GeneratorConfig)[0].beta, generator.beta)
    numbers = sum(tensor.numel() for tensor in generator.state_dict().values())
    assert path.stat().st_size < 3 * numbers + 12_000


def test_integers_tuples_and_a_plain_state_survive(path):
    toy = Toy(ToyConfig())
    toy.count += 2**40 + 1
    save(path, toy.state_dict(), toy.config)
    loaded, _, _ = load(path, Toy, ToyConfig)
    assert loaded.count == toy.count and loaded.config == toy.config


def test_loading_leaves_the_random_sequence_alone(path):
    save(path, Toy(ToyConfig()), ToyConfig())
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load(path, Toy, ToyConfig)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_numbers_that_would_be_lost_are_refused_and_the_old_file_stays(path, value):
    toy = Toy(ToyConfig())
    save(path, toy, toy.config)
    before = path.read_bytes()
    toy.linear.weight.data[0, 0] = value
    with pytest.raises(ValueError, match="linear.weight"):
        save(path, toy, toy.config)
    assert path.read_bytes() == before


def test_a_missing_file_is_named(path):
    with pytest.raises(WeightsError, match="No weights at .*generator.safetensors.*git lfs pull"):
        load(path, Toy, ToyConfig)


def test_a_pointer_is_told_from_weights(path):
    path.parent.mkdir()
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(WeightsError, match="only a pointer.*git lfs pull"):
        load(path, Toy, ToyConfig)


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_a_damaged_file_is_named(path, kept):
    save(path, Toy(ToyConfig()), ToyConfig())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="damaged.*fetch it again"):
        load(path, Toy, ToyConfig)


def test_another_networks_file_is_refused(path):
    save(path, Toy(ToyConfig()), ToyConfig())
    with pytest.raises(WeightsError, match="no usable GeneratorConfig"):
        load(path, Generator, GeneratorConfig)


def test_wrong_shapes_are_listed(path):
    save(path, Generator(SMALL), replace(SMALL, hidden=5))
    with pytest.raises(WeightsError, match=r"decoder.net.0.weight is \(4, 2\) instead of \(5, 2\)"):
        load(path, Generator, GeneratorConfig)


def test_missing_and_unknown_tensors_are_listed(path):
    state = Toy(ToyConfig()).state_dict()
    state["colour"] = state.pop("count")
    save(path, state, ToyConfig())
    with pytest.raises(WeightsError, match="count is missing; colour is unknown"):
        load(path, Toy, ToyConfig)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "car/generator.safetensors", Generator(SMALL), SMALL, focal_guesses=[1.5, 3.0])
    save(tmp_path / "car/encoder.safetensors", Encoder(ENCODER), ENCODER, iteration=4)
    return tmp_path


def test_a_category_is_two_networks_and_its_row(folder):
    models = load_models("car", folder)
    assert models.category == replace(CATEGORIES["car"], focal_guesses=(1.5, 3.0), scene_range=0.7)
    assert models.extra["iteration"] == 4 and models.generator.config == SMALL
    assert models.encoder.config == ENCODER and not models.encoder.training
    assert len(models.hash) == 64 and models.hash == load_models("car", folder).hash
    save(folder / "car/encoder.safetensors", Encoder(ENCODER), ENCODER, iteration=5)
    assert load_models("car", folder).hash != models.hash


def test_how_each_file_was_made_stays_apart(folder):
    assert load_models("car", folder).extra["provenance"] == {"generator": None, "encoder": None}
    save(folder / "car/generator.safetensors", Generator(SMALL), SMALL, provenance={"command": "a"})
    save(folder / "car/encoder.safetensors", Encoder(ENCODER), ENCODER, provenance={"command": "b"})
    made = load_models("car", folder).extra["provenance"]
    assert made == {"generator": {"command": "a"}, "encoder": {"command": "b"}}


def test_networks_that_do_not_belong_together_are_refused(folder):
    other = replace(ENCODER, w_dim=12)
    save(folder / "car/encoder.safetensors", Encoder(other), other)
    with pytest.raises(WeightsError, match="w of 12 numbers.*takes 16"):
        load_models("car", folder)


def test_an_unknown_category_is_refused():
    with pytest.raises(WeightsError, match="no category 'spoon'.*car"):
        load_models("spoon")


def test_the_page_offers_unasked_the_categories_whose_weights_are_there_but_no_reference(tmp_path):
    assert default_categories(tmp_path) == ["car"], "which then says what is missing"
    root = tiny_weights(tmp_path)
    shutil.copytree(root / "car", root / "car-synthetic")
    assert default_categories(root) == ["car"]
    shutil.copytree(root / "car", root / "carla")
    assert default_categories(root) == ["car", "carla"]
    shutil.rmtree(root / "car")
    assert default_categories(root) == ["carla"]
