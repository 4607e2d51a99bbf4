"""Precision, noise, and the second derivatives that path length regularisation takes."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from spir.generator import Generator, synthesis
from spir.types import Code


def full_code(generator: Generator, batch: int = 2) -> Code:
    """A code with different rows."""
    noise = torch.randn(
        batch, generator.num_ws, generator.config.w_dim, generator=torch.Generator().manual_seed(1)
    )
    return Code(noise)


def test_planes_are_float32_and_each_channels_last(small):
    small.half = True
    planes = small.planes(full_code(small))
    assert planes.dtype == torch.float32 and planes.shape == (2, 3, 4, 16, 16)
    assert planes.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def test_half_precision_is_close(small):
    code = full_code(small)
    exact = small.planes(code)
    small.half = True
    error = small.planes(code) - exact
    assert 0 < error.std() < 0.02 * exact.std()


def test_a_surrounding_autocast_changes_nothing(small):
    code, points = full_code(small), torch.rand(2, 9, 3) - 0.5
    plain = small.field(code)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        field = small.field(code)
        sample, sdf = field(points), field.sdf(points)
    assert torch.equal(field.planes, plain.planes) and torch.equal(field.palette, plain.palette)
    assert torch.equal(sample.rgb, plain(points).rgb) and torch.equal(sdf, plain.sdf(points))


def test_every_row_of_the_shape_matters(small):
    code = full_code(small, 1)
    planes = small.planes(code)
    for row in range(small.num_ws):
        w = code.w.clone()
        w[:, row] += 1
        assert torch.equal(small.planes(Code(w)), planes) == (row == small.num_ws - 1)


@pytest.mark.parametrize("half", [False, True])
def test_path_length_has_a_gradient(small, half, monkeypatch):
    """Penalise |d(planes, palette) / dw|; its derivative by the weights must agree with a difference.

    For the difference a smooth activation stands in: at the kinks of the leaky one the penalty jumps,
    which no derivative sees."""
    small.half = half
    if not half:
        monkeypatch.setattr(F, "leaky_relu", lambda x, slope: F.silu(x))
    noise = torch.randn(1, 3, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    w = full_code(small, 1).w.requires_grad_()

    def path_length() -> torch.Tensor:
        answer = (small.planes(Code(w)) * noise).sum() + small.palette(Code(w)).sum()
        (slope,) = torch.autograd.grad(answer, w, create_graph=True)
        return slope.square().sum()

    weight = small.synthesis_network.b8.conv0.weight
    path_length().backward()
    assert weight.grad.abs().sum() > 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in small.parameters())
    if not half:
        step = 1e-2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(4))
        with torch.no_grad():
            weight.add_(step)
        ahead = path_length().detach()
        with torch.no_grad():
            weight.sub_(2 * step)
        behind = path_length().detach()
        predicted = 2 * (weight.grad * step).sum()
        assert abs(ahead - behind - predicted) < 0.05 * abs(predicted)


def test_noise_is_fresh_in_training_and_fixed_in_evaluation(small):
    torch.manual_seed(0)
    generator = Generator(replace(small.config, noise=True))
    code = full_code(generator)
    quiet = generator.eval().planes(code)
    torch.nn.init.ones_(generator.synthesis_network.b8.conv0.noise_strength)
    noisy = generator.planes(code)
    assert not torch.equal(noisy, quiet) and torch.equal(noisy, generator.planes(code))
    generator.train()
    assert not torch.equal(generator.planes(code), generator.planes(code))


def test_without_noise_a_code_is_one_object_even_in_training(small):
    code = full_code(small)
    assert torch.equal(small.train().planes(code), small.planes(code))


@pytest.mark.parametrize("half", [False, True])
def test_freezing_changes_no_number_and_is_forgotten_when_the_weights_change(small, half):
    small.half = half
    code = full_code(small)
    plain = small.planes(code)
    frozen = small.freeze().planes(code)
    assert torch.equal(frozen, plain) and not frozen.requires_grad
    other = Generator(small.config)
    other.half = half
    small.load_state_dict(other.state_dict())
    assert torch.equal(small.planes(code), other.planes(code))
    small.freeze().requires_grad_(True).planes(code).sum().backward()
    assert small.synthesis_network.b8.conv0.weight.grad is not None
    small.freeze().half = not half
    other.half = not half
    assert torch.equal(small.planes(code), other.planes(code))


def test_frozen_layers_do_not_sum_their_weights_again(small, monkeypatch):
    small.freeze()
    monkeypatch.setattr(synthesis, "tap_energy", lambda weight: pytest.fail("computed again"))
    small.planes(full_code(small))
