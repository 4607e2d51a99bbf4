"""§3.1, the discriminator of the unconditional training: StyleGAN2's residual one, conditioned on the camera.

Tensor names are those of the authors' checkpoints. The camera enters as 13 numbers through a mapping network,
and the logit is the projection of the picture's features on it: a picture must look real *from there*.
"""

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.generator.layers import SLOPE, Linear, fir_filter
from spir.geometry.rotation import matrix_from_quaternion
from spir.types import Pose

CONDITION = 13
"""log focal, shift (2), scale, rotation (9)."""
MAPPING_RATE = 0.01
"""Learning-rate multiplier of the camera's mapping network."""


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The sizes of the network. Raises ValueError for pictures that cannot be halved down to 4 pixels."""

    size: int = 128
    """Side of the pictures, pixels, a power of two from 8."""
    channels: int = 4
    """3 = colour; 4 = colour and mask."""
    channel_base: int = 32768
    """Feature channels at resolution r: min(channel_base / r, channel_max)."""
    channel_max: int = 512
    group: int = 4
    """Pictures that are compared among themselves for their spread; the batch must be a multiple of it."""

    def __post_init__(self):
        if self.size < 8 or self.size & (self.size - 1):
            raise ValueError(f"the discriminator's size is {self.size}, but must be a power of two from 8")

    def width(self, resolution: int) -> int:
        """Number of feature channels at a resolution."""
        return min(self.channel_base // resolution, self.channel_max)


def condition(pose: Pose) -> Float[Tensor, "batch 13"]:
    """A pose as the discriminator takes it: log focal (0 if orthographic), shift, scale, rotation row by
    row."""
    focal = torch.zeros_like(pose.scale) if pose.z0 is None else ((1 + pose.z0.exp()) / 2).log()
    rotation = matrix_from_quaternion(pose.quaternion).flatten(1)
    return torch.cat((focal[:, None], pose.shift, pose.scale[:, None], rotation), 1)


class Convolution(nn.Module):
    """A convolution with an equalised learning rate; `down` smooths and halves, `active` adds the leaky
    ReLU."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, down=False, bias=True, active=True):
        super().__init__()
        self.down, self.active = down, active
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("resample_filter", fir_filter())

    def forward(
        self, x: Float[Tensor, "batch inputs size size"]
    ) -> Float[Tensor, "batch outputs new_size new_size"]:
        kernel = self.weight.shape[-1]
        weight = (self.weight * self.weight[0].numel() ** -0.5).to(x.dtype)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        if self.down:
            taps = self.resample_filter.to(x.dtype).expand(x.shape[1], 1, 4, 4)
            if kernel == 1:
                # Only every second pixel of the smoothed map is needed.
                x = F.conv2d(x, taps, stride=2, padding=1, groups=x.shape[1])
                x = F.conv2d(x, weight, bias)
            else:
                x = F.conv2d(x, taps, padding=2, groups=x.shape[1])
                x = F.conv2d(x, weight, bias, stride=2)
        else:
            x = F.conv2d(x, weight, bias, padding=kernel // 2)
        return F.leaky_relu(x, SLOPE) * 2**0.5 if self.active else x


class ResidualBlock(nn.Module):
    """Two convolutions and a skip connection that halve the map; the first block reads the picture."""

    def __init__(self, inputs: int, outputs: int, picture: int = 0):
        """`picture` is the number of the picture's channels where this is the first block, else 0."""
        super().__init__()
        self.fromrgb = Convolution(picture, inputs, 1) if picture else None
        self.conv0 = Convolution(inputs, inputs, 3)
        self.conv1 = Convolution(inputs, outputs, 3, down=True)
        self.skip = Convolution(inputs, outputs, 1, down=True, bias=False, active=False)

    def forward(
        self, x: Float[Tensor, "batch channel size size"]
    ) -> Float[Tensor, "batch outputs half half"]:
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        return (self.skip(x) + self.conv1(self.conv0(x))) * 0.5**0.5


class Epilogue(nn.Module):
    """The last block: 4 x 4 features and their minibatch deviation become one vector."""

    def __init__(self, width: int, group: int):
        super().__init__()
        self.group = group
        self.conv = Convolution(width + 1, width, 3)
        self.fc = Linear(width * 16, width)
        self.out = Linear(width, width)

    def forward(self, x: Float[Tensor, "batch channel 4 4"]) -> Float[Tensor, "batch channel"]:
        x = self.conv(torch.cat((x, minibatch_deviation(x, self.group)), 1)).float()
        return self.out(F.leaky_relu(self.fc(x.flatten(1)), SLOPE) * 2**0.5)


def minibatch_deviation(x: Float[Tensor, "batch channel h w"], group: int) -> Float[Tensor, "batch 1 h w"]:
    """Mean standard deviation within groups of pictures, as one map: it gives away a generator that repeats
    itself.

    Raises ValueError where the batch is no multiple of the group."""
    if len(x) % group:
        raise ValueError(f"a batch of {len(x)} cannot be cut into groups of {group}")
    apart = x.float().unflatten(0, (group, -1))
    deviation = (apart.var(dim=0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
    return deviation.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:]).to(x.dtype)


class Discriminator(nn.Module):
    """Maps pictures and their cameras to one logit each, large where both look real together."""

    half: bool = False
    """Whether convolutions are in bfloat16."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        width = config.width(4)
        self.backbone = nn.Module()
        self.resolutions = [2**k for k in range(config.size.bit_length() - 1, 2, -1)]
        for size in self.resolutions:
            block = ResidualBlock(
                config.width(size), config.width(size // 2), config.channels * (size == config.size)
            )
            self.backbone.add_module(f"b{size}", block)
        self.backbone.mapping = nn.ModuleDict(
            {
                "fc0": Linear(CONDITION, width, rate=MAPPING_RATE),
                "fc1": Linear(width, width, rate=MAPPING_RATE),
            }
        )
        self.backbone.b4 = Epilogue(width, config.group)

    def forward(
        self, picture: Float[Tensor, "batch channel size size"], camera: Float[Tensor, "batch 13"]
    ) -> Float[Tensor, " batch"]:
        """Logits. Colours in [-1, 1], channels first; the mask, where there is one, in [0, 1]."""
        x = picture.to(torch.bfloat16 if self.half else picture.dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        for size in self.resolutions:
            x = self.backbone.get_submodule(f"b{size}")(x)
        features = self.backbone.get_submodule("b4")(x)
        projection = camera
        for layer in cast(nn.ModuleDict, self.backbone.mapping).values():
            projection = F.leaky_relu(layer(projection), SLOPE) * 2**0.5
        return (features * projection).sum(1) * features.shape[1] ** -0.5
