"""A discriminator on frozen ImageNet features, as in Projected GANs (Sauer et al. 2021): only small heads learn.

It tells real from fake after a few dozen steps, where one that learns to see from a few thousand photos needs thousands.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from spir.generator.layers import SLOPE
from spir.imagenet import LITE0, frozen
from spir.train.gan.discriminator import CONDITION

SCALES = (1, 2, 3)
"""Indices of the feature maps that are judged: 1/4 to 1/16 of the picture."""
EPSILON = 1e-4


class ScaleHead(nn.Module):
    """Judges the feature map of one resolution: halves it down to 4 x 4 and gives a logit, which depends on the camera."""

    def __init__(self, inputs: int, width: int, side: int):
        super().__init__()
        self.entry = spectral_norm(nn.Conv2d(inputs, width, 1))
        halvings = max(side.bit_length() - 3, 0)
        self.halve = nn.ModuleList(spectral_norm(nn.Conv2d(width, width, 4, 2, 1)) for _ in range(halvings))
        self.realism = spectral_norm(nn.Conv2d(width, 1, 4))
        self.match = spectral_norm(nn.Conv2d(width, width, 4))

    def forward(
        self, x: Float[Tensor, "batch inputs side side"], camera: Float[Tensor, "batch width"]
    ) -> Float[Tensor, " batch"]:
        x = F.leaky_relu(self.entry(x), SLOPE)
        for layer in self.halve:
            x = F.leaky_relu(layer(x), SLOPE)
        matched = (self.match(x).mean((2, 3)) * camera).sum(1) * camera.shape[1] ** -0.5
        return self.realism(x).mean((1, 2, 3)) + matched


class ProjectedDiscriminator(nn.Module):
    """Maps pictures and their cameras to one logit each, as `Discriminator` does; it sees no mask, only colours."""

    def __init__(self, size: int, width: int = 64):
        """`size` is the side of the pictures in pixels, a power of two from 64."""
        super().__init__()
        self.camera = nn.Sequential(
            nn.Linear(CONDITION, width), nn.LeakyReLU(SLOPE), nn.Linear(width, width), nn.LeakyReLU(SLOPE)
        )
        self.heads = nn.ModuleList(
            ScaleHead(LITE0.dims[scale], width, size // 2 ** (scale + 1)) for scale in SCALES
        )

    def forward(
        self, picture: Float[Tensor, "batch channel size size"], camera: Float[Tensor, "batch 13"]
    ) -> Float[Tensor, " batch"]:
        """Return logits. Colours in [-1, 1], channels first."""
        # The network is shared and frozen, and no part of this module's state.
        network = frozen(LITE0, picture.device)
        maps = network(picture[:, :3].contiguous(memory_format=torch.channels_last), max(SCALES) + 1)
        known = self.camera(camera)
        logits = [
            cast(ScaleHead, head)(level(maps[scale]), known)
            for scale, head in zip(SCALES, self.heads, strict=True)
        ]
        return torch.stack(logits).mean(0)


def level(x: Float[Tensor, "batch channel h w"]) -> Float[Tensor, "batch channel h w"]:
    """Scale each pixel's features to a mean square of one; their size would tell little but the contrast."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()
