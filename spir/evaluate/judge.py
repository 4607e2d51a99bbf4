"""A network that is used for nothing but judging pictures: EfficientNet-Lite2.

Its distance is LPIPS-like (Zhang et al. 2018), of ImageNet features, uncalibrated. It tolerates detail that is slightly
misplaced, where PSNR prefers a blur. No fit and no training may use this network, or it would judge its own work.
"""

from functools import cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.bootstrap.encoder import object_mean
from spir.imagenet import LITE2, EfficientNet, available, frozen

NAME = "efficientnet-lite2"
HOW_TO_GET_IT = "pip install 'spir[evaluate]'"
EPSILON = 1e-6
PICTURES_AT_ONCE = 6
"""The number of pictures per forward pass, which bounds the memory."""


class JudgeError(ValueError):
    """Raised where the network is not installed; the message says how to get it."""


class Judge:
    """The network, frozen and on the CPU."""

    def __init__(self, network: EfficientNet):
        self.network = network

    @torch.no_grad()
    def maps(self, rgb: Float[Tensor, "batch height width 3"]) -> tuple[Tensor, ...]:
        """Return the last feature map of each resolution, 1/2 to 1/32 of the picture's, (batch, channel, row,
        column); colours in [-1, 1], as in its training."""
        return self.network(rgb.permute(0, 3, 1, 2).float())

    def features(self, rgb: Float[Tensor, "batch height width 3"]) -> list[Tensor]:
        """Return the maps with every pixel's vector normalised to length one."""
        return [x / (x.square().sum(1, keepdim=True) + EPSILON).sqrt() for x in self.maps(rgb)]

    def distance(
        self,
        rgb: Float[Tensor, "batch height width 3"],
        target: Float[Tensor, "batch height width 3"],
        where: Float[Tensor, "batch height width"],
    ) -> Float[Tensor, " batch"]:
        """Return the mean over resolutions of the mean squared difference of unit vectors within `where`: 0 = the
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


class JudgeFeatures:
    """The judge's last map averaged over the object, for a Fréchet distance (`spir.metrics.fid`).

    It is the map that says most about what is seen and least about single pixels. It is linear, so closer to a normal
    distribution than what follows an activation, and 352 numbers are few enough for a covariance of 1,000 pictures."""

    name = "feature-FID (EfficientNet-Lite2)"

    def __init__(self, judge: Judge):
        self.judge = judge

    def __call__(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Float[Tensor, "batch width"]:
        """Return one vector per picture, on the CPU; rgb in [-1, 1], mask in [0, 1]."""
        return object_mean(self.judge.maps(rgb.cpu())[-1], mask.cpu())


@cache
def judge() -> Judge:
    """Return the process's only judge. Raises JudgeError where its package is not installed."""
    if not available(LITE2):
        raise JudgeError(
            f"pictures are judged by EfficientNet-Lite2, and {LITE2.distribution} is not installed: {HOW_TO_GET_IT}"
        )
    return Judge(frozen(LITE2, "cpu"))


def why_no_judge() -> str:
    """Return the sentence that says what is not installed and how to get it; empty where there is a judge."""
    try:
        judge()
    except JudgeError as problem:
        return str(problem)
    return ""
