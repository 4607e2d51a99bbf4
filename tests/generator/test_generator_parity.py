"""The paper-sized network against numbers that the authors' implementation gave for refillable weights."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from spir.generator import PAPER, Generator
from spir.types import Code

HERE = Path(__file__).parent


def recipe(name: str, shape: torch.Size) -> torch.Tensor:
    """The value of one tensor, drawn from a seed that its name gives."""
    draw = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if name.endswith("alpha"):
        return torch.ones(shape)
    if name == "beta":
        return torch.full(shape, 0.1)
    if "mapping_network" in name:
        return 100 * draw if name.endswith("weight") else draw
    if name.endswith(".affine.bias"):
        return 1 + 0.1 * draw
    if name.endswith("bias"):
        return 0.1 * draw
    return torch.zeros(shape) if "noise_strength" in name else draw


@pytest.fixture(scope="module")
def paper() -> Generator:
    generator = Generator(PAPER).eval().requires_grad_(False)
    for name, tensor in generator.state_dict().items():
        if "resample_filter" not in name:
            tensor.copy_(recipe(name, tensor.shape))
    return generator


@pytest.fixture(scope="module")
def expected() -> dict[str, torch.Tensor]:
    with np.load(HERE / "fixture_generator.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def relative_error(value: torch.Tensor, truth: torch.Tensor) -> float:
    assert value.shape == truth.shape
    return float((value - truth).abs().max() / truth.abs().max())


def test_tensor_names_and_shapes_are_the_listing(paper):
    listed = [line.split(" ", 1) for line in (HERE / "paper_tensors.txt").read_text().splitlines()]
    listed = {name: rest[: rest.index(")") + 1] for name, rest in listed}
    ours = {name: str(tuple(tensor.shape)) for name, tensor in paper.state_dict().items()}
    assert ours == listed


def test_sizes(paper):
    assert paper.num_ws == 15
    assert sum(parameter.numel() for parameter in paper.parameters()) == 32_164_056
    assert sum(buffer.numel() for buffer in paper.buffers()) == 175_056


def test_numbers(paper, expected):
    w = paper.mapping(expected["z"])
    assert relative_error(w, expected["w0"]) < 1e-4
    noise = torch.randn(2, 15, 512, generator=torch.Generator().manual_seed(2))
    field = paper.field(Code(w[:, None] + 0.1 * noise))
    stacked = field.planes.flatten(1, 2)
    assert relative_error(stacked.mean((2, 3)), expected["planes_mean"]) < 1e-4
    assert relative_error(stacked.std((2, 3)), expected["planes_std"]) < 1e-4
    assert relative_error(stacked[..., ::16, ::16], expected["planes_16"]) < 1e-4
    assert relative_error(field.palette, expected["palette"]) < 1e-4
    sample = field(expected["points"])
    assert relative_error(sample.sdf, expected["sdf"]) < 1e-4
    assert relative_error(sample.density, expected["sigma"]) < 1e-4
    assert relative_error(sample.rgb, expected["rgb"]) < 1e-4
    assert relative_error(sample.attention, expected["semantics"]) < 1e-4
    assert (expected["sigma"] == 0).any()
