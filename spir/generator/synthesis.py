"""§3.1: the synthesis network, w (one row per layer) to three planes of features.

A StyleGAN2 "skip" generator: every resolution adds its output to the upsampled output of the previous
one. Features run in `dtype`; styles, demodulation and the skip sum stay in float32.
"""

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.generator.layers import (
    SLOPE,
    Linear,
    demodulation,
    double,
    fir_filter,
    modulated_conv,
    smooth,
    tap_energy,
)


@dataclass(frozen=True)
class CachedWeights:
    """Values that a layer caches while its weight does not change."""

    address: int
    version: int
    weight: Float[Tensor, "outputs inputs 3 3"]
    energy: Float[Tensor, "outputs inputs"]

    def fits(self, weight: Tensor, dtype: torch.dtype) -> bool:
        """Whether the cache is valid for `weight`: not trained, not written to, not moved."""
        same = (weight.data_ptr(), weight._version) == (self.address, self.version)
        return same and not weight.requires_grad and self.weight.dtype == dtype


class SynthesisLayer(nn.Module):
    """3x3 modulated convolution, optional upsampling, noise, bias, leaky ReLU."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(self, inputs: int, outputs: int, w_dim: int, resolution: int, up: bool, noise: bool):
        super().__init__()
        self.up, self.noise = up, noise
        self.frozen: CachedWeights | None = None
        self.affine = Linear(w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        # A strength that is never used must not reach the optimiser's weight decay or the gradient checks.
        self.noise_strength = nn.Parameter(torch.zeros([]), requires_grad=noise)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("resample_filter", fir_filter())
        self.register_buffer("noise_const", torch.randn(resolution, resolution))

    def forward(
        self, x: Float[Tensor, "batch inputs in_size in_size"], w: Float[Tensor, "batch w_dim"]
    ) -> Float[Tensor, "batch outputs size size"]:
        style = self.affine(w)
        weight, energy = self.prepare(x.dtype)
        # The activation's gain is folded into scale and bias: sqrt2 * leaky(x) = leaky(sqrt2 * x).
        scale = (2**0.5 * demodulation(energy, style)).to(x.dtype)[:, :, None, None]
        bias = (2**0.5 * self.bias).to(x.dtype)[None, :, None, None]
        x = modulated_conv(x, weight, style, self.up)
        if self.up:
            x = smooth(x, self.resample_filter)
        if self.noise:
            bias = bias + (2**0.5 * self.noise_strength * self.draw_noise(len(x))).to(x.dtype)
        return F.leaky_relu(torch.addcmul(bias, x, scale), SLOPE)

    def prepare(
        self, dtype: torch.dtype
    ) -> tuple[Float[Tensor, "outputs inputs 3 3"], Float[Tensor, "outputs inputs"]]:
        """Return the weight in the precision of the features, and its `tap_energy`."""
        if self.frozen is not None and self.frozen.fits(self.weight, dtype):
            return self.frozen.weight, self.frozen.energy
        return self.weight.to(dtype), tap_energy(self.weight)

    @torch.no_grad()
    def freeze(self, dtype: torch.dtype) -> None:
        """Cache the result of `prepare` for as long as the weight does not change."""
        weight, energy = self.prepare(dtype)
        self.frozen = CachedWeights(self.weight.data_ptr(), self.weight._version, weight.detach(), energy)

    def draw_noise(self, batch: int) -> Float[Tensor, "batch_or_1 1 size size"]:
        """Return new noise in training; the stored noise in evaluation, so that a code always gives one object."""
        if not self.training:
            return self.noise_const[None, None]
        return torch.randn(batch, 1, *self.noise_const.shape, device=self.noise_const.device)


class ToPlanes(nn.Module):
    """1x1 modulated convolution without demodulation, from features to plane channels ("torgb")."""

    def __init__(self, inputs: int, outputs: int, w_dim: int):
        super().__init__()
        self.affine = Linear(w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(
        self, x: Float[Tensor, "batch inputs size size"], w: Float[Tensor, "batch w_dim"]
    ) -> Float[Tensor, "batch outputs size size"]:
        """Return the planes in the precision of `x`, channels-last in memory. With one pixel per tap it is cheaper to scale
        the weight of each object than its features."""
        style = self.affine(w) * self.weight.shape[1] ** -0.5
        weight = (self.weight[:, :, 0, 0] * style[:, None]).to(x.dtype)
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        picture = torch.baddbmm(self.bias.to(x.dtype), pixels, weight.transpose(1, 2))
        return picture.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class SynthesisBlock(nn.Module):
    """One resolution: conv0 (upsampling) and conv1, then its contribution to the planes; the first has a constant."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, planes: int, w_dim: int, resolution: int, noise: bool):
        super().__init__()
        first = inputs == 0
        self.register_buffer("resample_filter", fir_filter())
        if first:
            self.const = nn.Parameter(torch.randn(outputs, resolution, resolution))
        self.conv0 = None if first else SynthesisLayer(inputs, outputs, w_dim, resolution, True, noise)
        self.conv1 = SynthesisLayer(outputs, outputs, w_dim, resolution, False, noise)
        self.torgb = ToPlanes(outputs, planes, w_dim)

    @property
    def layers(self) -> int:
        """The number of convolutions that use a row of w (torgb shares its row with the next block's conv0)."""
        return 1 if self.conv0 is None else 2

    def forward(
        self,
        x: Float[Tensor, "batch inputs in_size in_size"] | None,
        picture: Float[Tensor, "batch planes in_size in_size"] | None,
        w: Float[Tensor, "batch rows w_dim"],
        dtype: torch.dtype,
    ) -> tuple[Float[Tensor, "batch outputs size size"], Float[Tensor, "batch planes size size"]]:
        if self.conv0 is None:
            made = self.const.to(dtype).expand(len(w), -1, -1, -1)
            made = made.contiguous(memory_format=torch.channels_last)
        else:
            made = self.conv0(x, w[:, 0])
        made = self.conv1(made, w[:, -2])
        own = self.torgb(made, w[:, -1])
        return made, own.float() if picture is None else double(picture, self.resample_filter) + own


class SynthesisNetwork(nn.Module):
    """Blocks b4, b8, ... up to the plane resolution."""

    def __init__(self, w_dim: int, resolution: int, planes: int, base: int, largest: int, noise: bool):
        """`planes` is the number of output channels, all three planes together; each block has min(base / resolution,
        largest) feature channels."""
        super().__init__()
        self.resolutions = [4 * 2**level for level in range((resolution // 4).bit_length())]
        inputs = 0
        for size in self.resolutions:
            outputs = min(base // size, largest)
            self.add_module(f"b{size}", SynthesisBlock(inputs, outputs, planes, w_dim, size, noise))
            inputs = outputs
        self.rows = 2 * len(self.resolutions)

    def forward(
        self, w: Float[Tensor, "batch rows w_dim"], dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "batch 3 channel size size"]:
        """Return the planes in float32, each channels-last in memory (a point's look-up then reads one cache line
        instead of one per channel); features are computed in `dtype`."""
        x = picture = None
        row = 0
        for size in self.resolutions:
            block = cast(SynthesisBlock, self.get_submodule(f"b{size}"))
            x, picture = block(x, picture, w[:, row : row + block.layers + 1], dtype)
            row += block.layers
        assert picture is not None
        planes = picture.unflatten(1, (3, -1)).flatten(0, 1)
        return planes.contiguous(memory_format=torch.channels_last).unflatten(0, (-1, 3))
