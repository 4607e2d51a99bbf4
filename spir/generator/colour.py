"""§3.1 "Attention-based color mapping": w to a palette, attention to colour.

The last row of w makes K colours, one palette for the whole object; the decoder's softmax gives each one's
weight at a point. Colour is linear in the palette, so it may be applied before or after rendering.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.generator.layers import SLOPE, Linear

SIGMOID_SCALE = 1.002
"""The sigmoid runs slightly past [-1, 1] so that pure black and white are reached at finite logits."""


class ModulatedNorm(nn.Module):
    """Layer norm without its own affine parameters, times 1 + gamma(w), plus beta(w)."""

    def __init__(self, width: int, w_dim: int):
        super().__init__()
        self.fc_gamma = Linear(w_dim, width)
        self.fc_beta = Linear(w_dim, width)

    def forward(
        self, x: Float[Tensor, "batch width"], w: Float[Tensor, "batch w_dim"]
    ) -> Float[Tensor, "batch width"]:
        return F.layer_norm(x, x.shape[-1:]) * (1 + self.fc_gamma(w)) + self.fc_beta(w)


class TextureMapper(nn.Module):
    """Maps w to K colours: learned constant, two residual pairs of modulated layers, two plain layers."""

    def __init__(self, w_dim: int, values: int):
        super().__init__()
        self.const = nn.Parameter(torch.randn(1, w_dim))
        for index in range(1, 5):
            self.add_module(f"fc{index}", Linear(w_dim, w_dim, bias=None))
            self.add_module(f"norm{index}", ModulatedNorm(w_dim, w_dim))
        self.fc5 = Linear(w_dim, w_dim)
        self.fc_values = Linear(w_dim, 3 * values)

    def layer(
        self, index: int, x: Float[Tensor, "batch width"], w: Float[Tensor, "batch w_dim"]
    ) -> Float[Tensor, "batch width"]:
        x = self.get_submodule(f"fc{index}")(x)
        return F.leaky_relu(self.get_submodule(f"norm{index}")(x, w), SLOPE)

    def forward(self, w: Float[Tensor, "batch w_dim"]) -> Float[Tensor, "batch values 3"]:
        """Return colours in [-1.002, 1.002]."""
        x = self.const.expand(len(w), -1)
        for first in (1, 3):
            x = (x + self.layer(first + 1, self.layer(first, x, w), w)) * 0.5**0.5
        x = F.leaky_relu(self.fc5(x), SLOPE)
        colours = torch.sigmoid(self.fc_values(x)) * (2 * SIGMOID_SCALE) - SIGMOID_SCALE
        return colours.unflatten(1, (-1, 3))


def map_colour(
    attention: Float[Tensor, "batch point values"], palette: Float[Tensor, "batch values 3"]
) -> Float[Tensor, "batch point 3"]:
    """Return rgb = attention @ palette, for points before rendering or for pixels after it."""
    return attention @ palette
