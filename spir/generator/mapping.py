"""§3.1: the mapping network, z ~ N(0, I) to the intermediate code w."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.generator.layers import SLOPE, Linear

RATE = 0.01
"""Learning-rate multiplier: w must change slowly, as it affects every layer."""


class MappingNetwork(nn.Module):
    """Two fully connected layers after normalising z, without truncation."""

    def __init__(self, z_dim: int, w_dim: int):
        super().__init__()
        self.backbone = nn.ModuleDict(
            {"fc0": Linear(z_dim, w_dim, rate=RATE), "fc1": Linear(w_dim, w_dim, rate=RATE)}
        )

    @property
    def layers(self) -> list[Linear]:
        """Return the fully connected layers, in order."""
        return [cast(Linear, layer) for layer in self.backbone.values()]

    def forward(self, z: Float[Tensor, "batch z_dim"]) -> Float[Tensor, "batch w_dim"]:
        x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.backbone.values():
            x = 2**0.5 * F.leaky_relu(layer(x), SLOPE)
        return x


@torch.no_grad()
def average_w(
    network: MappingNetwork, z_dim: int, count: int = 10_000, seed: int = 0
) -> Float[Tensor, " w_dim"]:
    """Return the mean of w over `count` random z; the same for the same seed."""
    weight = network.backbone.get_parameter("fc0.weight")
    z = torch.randn(count, z_dim, generator=torch.Generator().manual_seed(seed))
    return network(z.to(weight.device, weight.dtype)).mean(0)
