"""Modulated convolution against one grouped convolution per object; filters against zero-stuffing."""

import pytest
import torch
from torch.nn import functional as F

from spir.generator.layers import Linear, demodulation, double, fir_filter, modulated_conv, smooth, tap_energy


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def zero_stuff(x: torch.Tensor) -> torch.Tensor:
    """Every pixel followed by an empty row and column."""
    stuffed = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    stuffed[..., ::2, ::2] = x
    return stuffed


@pytest.mark.parametrize("up", [False, True])
def test_modulated_conv_is_a_convolution_with_each_objects_own_weights(up):
    x, weight, style = torch.randn(3, 5, 6, 6), torch.randn(7, 5, 3, 3), torch.randn(3, 5)
    own = weight * style[:, None, :, None, None]
    own = own / (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    if up:
        # A transposed convolution of stride 2 is a convolution of the zero-stuffed map, taps flipped.
        stuffed = F.pad(zero_stuff(x), (2, 1, 2, 1))
        twin = F.conv2d(stuffed.reshape(1, 15, 15, 15), own.flatten(0, 1).flip(2, 3), groups=3)
    else:
        twin = F.conv2d(x.reshape(1, 15, 6, 6), own.flatten(0, 1), padding=1, groups=3)
    ours = modulated_conv(x, weight, style, up) * demodulation(tap_energy(weight), style)[:, :, None, None]
    torch.testing.assert_close(ours, twin.reshape(ours.shape), rtol=1e-4, atol=1e-5)


def test_demodulation_ignores_the_scale_of_the_weights():
    weight, style = torch.randn(4, 3, 3, 3), torch.randn(2, 3)
    torch.testing.assert_close(
        demodulation(tap_energy(10 * weight), style) * 10, demodulation(tap_energy(weight), style)
    )


def test_double_is_zero_stuffing_and_the_filter():
    x = torch.randn(2, 3, 5, 4)
    taps = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 16
    stuffed = F.pad(zero_stuff(x), (2, 1, 2, 1))
    twin = F.conv2d(stuffed, taps.expand(3, 1, 4, 4), groups=3)
    torch.testing.assert_close(double(x, fir_filter()), twin)


def test_filters_keep_a_flat_interior_flat():
    flat = torch.ones(1, 2, 6, 6)
    assert torch.allclose(double(flat, fir_filter())[..., 1:-1, 1:-1], torch.ones(()))
    assert torch.allclose(smooth(flat, fir_filter())[..., 1:-1, 1:-1], torch.tensor(4.0))


def test_linear_keeps_unit_variance_whatever_its_rate():
    x = torch.randn(500, 64)
    for rate in (1.0, 0.01):
        assert 0.9 < Linear(64, 128, rate=rate)(x).std().item() < 1.1
    assert torch.allclose(Linear(64, 3, bias=1.0, rate=0.01).effective_bias, torch.ones(3))
    assert Linear(4, 2, bias=None).effective_bias is None
