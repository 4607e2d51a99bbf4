"""§3.1: the layers that the mapping, synthesis, decoder and colour networks are made of.

Weights are stored near unit variance and scaled where they are used ("equalised learning rate"), so one
Adam step means the same relative change everywhere. Convolutions are modulated per object by a style and
demodulated to unit variance, which makes their stored scale irrelevant.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
"""Negative slope of every leaky ReLU; its gain sqrt(2) keeps the variance."""
DEMODULATION_EPSILON = 1e-8


class Linear(nn.Module):
    """y = x (weight * rate / sqrt(inputs))^T + bias * rate; `rate` is the learning-rate multiplier."""

    def __init__(self, inputs: int, outputs: int, bias: float | None = 0.0, rate: float = 1.0):
        """`bias` is its initial value, None = no bias."""
        super().__init__()
        self.rate = rate
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias / rate))

    @property
    def effective_weight(self) -> Float[Tensor, "outputs inputs"]:
        return self.weight * (self.rate / self.weight.shape[1] ** 0.5)

    @property
    def effective_bias(self) -> Float[Tensor, " outputs"] | None:
        return None if self.bias is None else self.bias * self.rate

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        return F.linear(x, self.effective_weight, self.effective_bias)


def fir_filter() -> Float[Tensor, "4 4"]:
    """The low-pass filter of every up-sampling: outer product of [1, 3, 3, 1], sum 1."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return torch.outer(taps, taps)


def smooth(
    x: Float[Tensor, "batch channel in_height in_width"], kernel: Float[Tensor, "4 4"]
) -> Float[Tensor, "batch channel height width"]:
    """Convolve every channel by 4 x kernel, padding 1, which interpolates a zero-stuffed map after upsampling."""
    channels = x.shape[1]
    weight = (4 * kernel).to(x.dtype).expand(channels, 1, 4, 4)
    return F.conv2d(x, weight, padding=1, groups=channels)


def double(
    x: Float[Tensor, "batch channel in_height in_width"], kernel: Float[Tensor, "4 4"]
) -> Float[Tensor, "batch channel height width"]:
    """Upsample by two: zero-stuff and convolve by 4 x kernel, with zeros outside."""
    channels = x.shape[1]
    weight = (4 * kernel).to(x.dtype).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


def tap_energy(weight: Float[Tensor, "outputs inputs rows columns"]) -> Float[Tensor, "outputs inputs"]:
    """Return the sum of weight^2 over the taps, which suffices for demodulation without weights per object."""
    return weight.square().sum((2, 3))


def demodulation(
    energy: Float[Tensor, "outputs inputs"], style: Float[Tensor, "batch inputs"]
) -> Float[Tensor, "batch outputs"]:
    """Return 1 / sqrt(sum over inputs and taps of (weight * style)^2 + 1e-8), from the weight's `tap_energy`."""
    return (style.square() @ energy.T + DEMODULATION_EPSILON).rsqrt()


def modulated_conv(
    x: Float[Tensor, "batch inputs height width"],
    weight: Float[Tensor, "outputs inputs 3 3"],
    style: Float[Tensor, "batch inputs"],
    up: bool = False,
) -> Float[Tensor, "batch outputs height2 width2"]:
    """Convolve style * x with one weight shared by the batch, not yet demodulated, no bias.

    With `up`, a transposed convolution of stride 2 (2 n + 1 pixels wide, to be smoothed); otherwise the
    size stays. Runs in the precision of `x`."""
    x = x * style.to(x.dtype)[:, :, None, None]
    weight = weight.to(x.dtype)
    if up:
        return F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    return F.conv2d(x, weight, padding=1)
