"""§3.2: the encoder for bootstrapping: cut-out -> NOCS map, mask, and one w.

One class for every size. `PAPER` has the tensor names and shapes of the authors' network; `COMPACT` is what
ships: the same modules with smaller numbers, and the mask as a fourth input channel, because the silhouette
is what a rendering and a photo have most in common.
"""

import math
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from spir.bootstrap.backbone import SegFormer
from spir.bootstrap.pyramid import EfficientNetPyramid, FeaturePyramid
from spir.imagenet import LITE0, available, frozen
from spir.types import Movable


@dataclass(frozen=True)
class EncoderConfig:
    """Every size of the encoder; stored in the weights file. The defaults are the paper's."""

    trunk: str = "segformer"
    """"segformer", whose sizes follow, or "efficientnet-lite0", whose only number below is `dims`."""
    dims: tuple[int, ...] = (64, 128, 320, 512)
    """Channels of the trunk's maps, finest first."""
    heads: tuple[int, ...] = (1, 2, 5, 8)
    depths: tuple[int, ...] = (3, 6, 40, 3)
    sr_ratios: tuple[int, ...] = (8, 4, 2, 1)
    """Reduction factor, per stage, of the map that keys and values come from."""
    mlp_ratio: int = 4
    decode_width: int = 768
    head_width: int = 512
    """Channels of the trunk's output and of both heads."""
    in_channels: int = 3
    """3 = the picture alone; 4 = picture and mask."""
    map_upsample: int = 4
    """NOCS pixels per trunk pixel; the trunk works at a quarter of `size`."""
    w_dim: int = 512
    pool_stages: bool = False
    """Whether w is also computed from every stage's standardised mean over the object. The trunk alone is trained
    for coordinates: it loses colours, and small differences of large means are learnt slowly."""
    front: bool = False
    """Whether there is a head for the direction of the object's front. It sees the trunk's maps and, beside a trunk that
    was not trained on ImageNet, those of EfficientNet-Lite0: each knows fronts that the other takes for backs."""
    drop_path: float = 0.1
    """Stochastic depth of the last block; grows linearly from 0 at the first."""
    size: int = 128
    """Side of the picture it is trained on, pixels."""


PAPER = EncoderConfig()
"""SegFormer MiT-B5, 92.6 M parameters."""

COMPACT = EncoderConfig(
    dims=(32, 64, 160, 256),
    depths=(2, 2, 2, 2),
    decode_width=256,
    head_width=128,
    in_channels=4,
    map_upsample=2,
    w_dim=256,
    pool_stages=True,
)
"""SegFormer MiT-B0, about 4 M parameters; a 64-pixel NOCS map has enough points for PnP."""

PRETRAINED = EncoderConfig(
    trunk="efficientnet-lite0",
    dims=LITE0.dims[1:],
    decode_width=96,
    head_width=64,
    in_channels=4,
    map_upsample=2,
    w_dim=256,
    pool_stages=True,
    front=True,
)
"""EfficientNet-Lite0, which begins with the weights of ImageNet; with small heads, as these cost the most."""


@dataclass(frozen=True)
class EncoderOutput(Movable):
    """The encoder's prediction for a batch of cut-outs; always float32."""

    nocs: Float[Tensor, "batch side side 3"]
    """Object coordinates per pixel, in object units; undefined outside the mask."""
    mask: Float[Tensor, "batch side side"]
    mask_logits: Float[Tensor, "batch side side"]
    w: Float[Tensor, "batch 1 width"]
    front: Float[Tensor, "batch 2"] | None = None
    """Direction of the object's front, across the picture (x right) and out of it towards the camera; the
    shorter the less sure. None = the encoder has no head for it."""


class Encoder(nn.Module):
    """Predicts NOCS map, mask and w of a batch of cut-outs."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        head = config.head_width
        self.backbone = trunk_of(config)
        self.post = nn.Sequential(
            nn.Conv2d(head, head, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(head, head, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(head, 4, 3, 1, 1),
        )
        self.w_regressor_pre = nn.Sequential(nn.Conv2d(head, head, 3, 1, 1), nn.ReLU())
        pooled = head + sum(config.dims) * config.pool_stages
        self.w_regressor_norm = nn.BatchNorm1d(pooled, affine=False) if config.pool_stages else nn.Identity()
        self.w_regressor_post = nn.Sequential(
            nn.Linear(pooled, config.w_dim),
            nn.ReLU(),
            nn.Linear(config.w_dim, config.w_dim),
            nn.LeakyReLU(0.2),
        )
        if config.front:
            maps = config.dims if config.trunk != "segformer" else (*config.dims, *LITE0.dims[2:])
            self.front = nn.Linear(2 * sum(maps), 2)
        self.apply(initialise)
        # After a mean over all pixels, layers with small initial weights would give the trunk almost no gradient.
        for name in ("0.weight", "2.weight"):
            nn.init.kaiming_normal_(self.w_regressor_post.get_parameter(name))
        with torch.no_grad():
            # Small enough that the first predictions are not worse than the mean of all w.
            self.w_regressor_post.get_parameter("2.weight").mul_(0.1)
        # Initialised by its fan-out, the last convolution would start with coordinates several objects wide.
        nn.init.trunc_normal_(self.post.get_parameter("4.weight"), std=0.02)

    def picture(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Float[Tensor, "batch channel size size"]:
        """Return the network's input: rgb in [-1, 1] and, with four channels, the mask in [0, 1]."""
        if self.config.in_channels == 4:
            rgb = torch.cat((rgb, mask[..., None]), -1)
        return rgb.permute(0, 3, 1, 2)

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> tuple[Tensor, ...]:
        """Return the maps of the four stages, (batch, dims[i], size / 4 / 2^i, size / 4 / 2^i), finest first."""
        return self.backbone.features(self.picture(rgb, mask))

    def forward(
        self,
        rgb: Float[Tensor, "batch size size 3"],
        mask: Float[Tensor, "batch size size"],
        half: bool = False,
    ) -> EncoderOutput:
        """Predict everything about the cut-outs; `size` is a multiple of 32, rgb in [-1, 1], mask in [0, 1].

        `half` computes all but the last layers in bfloat16."""
        device = rgb.device.type
        with torch.autocast(device, torch.bfloat16) if half else nullcontext():
            stages = self.backbone.features(self.picture(rgb, mask))
            trunk = self.backbone.decode(stages)
            larger = F.interpolate(trunk, scale_factor=float(self.config.map_upsample), mode="bilinear")
            hidden = self.post[:-1](F.relu(larger))
            pooled = self.w_regressor_pre(F.relu(trunk)).mean((2, 3))
            if self.config.pool_stages:
                pooled = torch.cat([pooled, *(object_mean(stage, mask) for stage in stages)], 1)
        # Eight bits of mantissa would round coordinates to 0.4 %; the last layers cost next to nothing.
        with torch.autocast(device, enabled=False):
            maps = self.post[-1](hidden.float()).permute(0, 2, 3, 1)
            w = self.w_regressor_post(self.w_regressor_norm(pooled.float()))
            maps_of_front = self.front_maps(rgb, stages)
            front = self.front(front_features(maps_of_front, mask)) if maps_of_front else None
        logits = maps[..., 3]
        return EncoderOutput(maps[..., :3], logits.sigmoid(), logits, w[:, None], front)

    def front_maps(
        self, rgb: Float[Tensor, "batch size size 3"], stages: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Return the maps that the head for the front sees; none where there is no head, or ImageNet features are missing."""
        if not self.config.front:
            return ()
        if self.config.trunk != "segformer":
            return stages
        if not available(LITE0):
            return ()
        picture = rgb.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        return (*stages, *frozen(LITE0, rgb.device)(picture)[2:])


def trunk_of(config: EncoderConfig) -> FeaturePyramid:
    """Return the trunk that the configuration names. Raises ValueError for an unknown one."""
    sizes = config.in_channels, config.head_width
    if config.trunk == "efficientnet-lite0":
        return EfficientNetPyramid(*sizes, config.decode_width)
    if config.trunk != "segformer":
        raise ValueError(f"there is no trunk {config.trunk!r}; choose segformer or efficientnet-lite0")
    return SegFormer(
        *sizes,
        config.dims,
        config.heads,
        config.depths,
        config.sr_ratios,
        config.mlp_ratio,
        config.decode_width,
        config.drop_path,
    )


def front_features(
    stages: tuple[Tensor, ...], mask: Float[Tensor, "batch size size"]
) -> Float[Tensor, "batch width"]:
    """Return every stage's mean over the object, and by how much its left half of the picture exceeds the right one."""
    left = torch.linspace(1, -1, mask.shape[2], device=mask.device).sign()
    means = [object_mean(stage.float(), mask) for stage in stages]
    halves = [
        object_mean(stage.float(), mask * (left > 0)) - object_mean(stage.float(), mask * (left < 0))
        for stage in stages
    ]
    return torch.cat([*means, *halves], 1)


def object_mean(
    maps: Float[Tensor, "batch channel h w"], mask: Float[Tensor, "batch size size"]
) -> Float[Tensor, "batch channel"]:
    """Return the mean of a map over the object; 0 where there is none."""
    weight = F.adaptive_avg_pool2d(mask[:, None], (maps.shape[2], maps.shape[3]))
    return (maps * weight).sum((2, 3)) / weight.sum((2, 3)).clamp(min=1e-3)


def initialise(module: nn.Module) -> None:
    """Initialise as SegFormer: linear layers truncated normal 0.02, convolutions normal by their fan-out, biases zero."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
