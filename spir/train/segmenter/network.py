"""The small segmenter: which pixels belong to the largest object, which to any, and what the picture shows.

A residual network (He et al., CVPR 2016) of plain convolutions, which every CPU runs fast, with batch norms
that the file has folded into them; a decoder that adds finer and finer maps (Lin et al., "Feature Pyramid
Networks", CVPR 2017).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from spir.data.segmentation.deeplab import NAMES, VOC
from spir.photo.segmenters.onnx import KINDS, SIDE, squared
from spir.train.provenance import add_to_onnx


@dataclass(frozen=True)
class SegmenterConfig:
    """The widths of the maps of a half, a quarter, ... of the picture's side."""

    widths: tuple[int, ...] = (24, 32, 64, 96, 112)
    blocks: tuple[int, ...] = (0, 1, 2, 2, 2)
    decoder: tuple[int, ...] = (16, 32, 48, 64)
    """Widths of the decoder at the same resolutions, without the coarsest."""


def conv(width: int, channels: int, side: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution and its batch norm."""
    return nn.Sequential(
        nn.Conv2d(width, channels, side, stride, side // 2, bias=False), nn.BatchNorm2d(channels)
    )


class Residual(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width)
        self.second = conv(width, width)
        # A block begins as the identity, which lets a deep stack learn from the first step.
        nn.init.zeros_(self.second.get_parameter("1.weight"))

    def forward(self, x: Float[Tensor, "batch width h w"]) -> Float[Tensor, "batch width h w"]:
        return F.relu(x + self.second(F.relu(self.first(x))))


class Stage(nn.Module):
    """A convolution that halves the side, then residual blocks."""

    def __init__(self, width: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.down = conv(width, channels, stride=2)
        self.blocks = nn.Sequential(*(Residual(channels) for _ in range(blocks)))

    def forward(self, x: Float[Tensor, "batch width h w"]) -> Float[Tensor, "batch channels h2 w2"]:
        return self.blocks(F.relu(self.down(x)))


class SegmenterOutput(NamedTuple):
    """The logits of a batch."""

    masks: Float[Tensor, "batch 2 half half"]
    """Masks of the largest object and of all objects, at half the side."""
    kinds: Float[Tensor, "batch kinds"]
    """The kinds of `KINDS`, then "none of them"."""
    names: Float[Tensor, "batch names cells cells"]
    """The teacher's names, in cells of 16 x 16 pixels."""


class SegmenterNetwork(nn.Module):
    """Maps pictures in [-1, 1], whose side is a multiple of 32, to a `SegmenterOutput`.

    The names of the layers are those of the nodes in the files that ship, which a warm start reads."""

    def __init__(self, config: SegmenterConfig = SegmenterConfig()) -> None:  # noqa: B008  frozen
        super().__init__()
        widths = (3, *config.widths)
        self.stages = nn.ModuleList(
            Stage(*each) for each in zip(widths, widths[1:], config.blocks, strict=False)
        )
        top = widths[-1]
        self.around = nn.Linear(top, top)
        inner = (*config.decoder, top)
        self.side = nn.ModuleList(
            nn.Conv2d(width, own, 1) for width, own in zip(config.widths, inner, strict=False)
        )
        self.onto = nn.ModuleList(
            nn.Conv2d(wide, own, 1) for own, wide in zip(inner, inner[1:], strict=False)
        )
        self.mend = nn.ModuleList(conv(own, own) for own in config.decoder)
        self.masks = nn.Conv2d(config.decoder[0], 2, 1)
        self.kinds = nn.Linear(2 * top, len(KINDS) + 1)
        self.names = nn.Conv2d(config.decoder[-1], NAMES, 1)

    def forward(self, rgb: Float[Tensor, "batch 3 side side"]) -> SegmenterOutput:
        maps = []
        x = rgb
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        mean, most = x.mean((2, 3)), x.amax((2, 3))
        # Global context: what is in the picture at all helps to say where it is.
        x = x + self.around(mean)[:, :, None, None]
        for own, side, onto, mend in reversed(list(zip(maps, self.side, self.onto, self.mend, strict=False))):
            x = F.relu(mend(side(own) + upsample(onto(x))))
            if own is maps[-2]:
                names = self.names(x)
        return SegmenterOutput(self.masks(x), self.kinds(torch.cat((mean, most), 1)), names)


def upsample(maps: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h2 w2"]:
    """Maps at twice the side."""
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)


class ExportedSegmenter(nn.Module):
    """The graph of the ONNX file: bytes in, probabilities out, so that no reader has to know how colours are
    scaled."""

    offset: Tensor
    """Logit offset of each kind against "none of them", see `calibrate`."""

    def __init__(self, network: SegmenterNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("offset", torch.zeros(len(KINDS)))

    def forward(
        self, rgb: Float[Tensor, "1 3 side side"]
    ) -> tuple[Float[Tensor, "1 2 side side"], Float[Tensor, "1 kinds"]]:
        """Masks of the largest object and of all objects, and the kinds, all in [0, 1]."""
        out = self.network(rgb / 127.5 - 1)
        scores = kind_scores(out) + self.offset
        kinds = torch.cat((scores, torch.zeros_like(scores[:, :1])), 1).softmax(1)
        return upsample(out.masks).sigmoid(), kinds

    @torch.no_grad()
    def calibrate(self, scenes: list[UInt8[np.ndarray, "_ _ 3"]], objects: float, cars: float) -> None:
        """Set the offsets so that, of scenes without our kinds, the share `objects` is taken for one of them,
        and at most the share `cars` for a car."""
        scores = torch.cat([kind_scores(self.network(as_input(squared(scene)[None]))) for scene in scenes])
        self.offset[:] = -scores.amax(1).quantile(1 - objects)
        scores = scores + self.offset
        car = KINDS.index("car")
        others = torch.cat((scores[:, :car], scores[:, car + 1 :]), 1).amax(1).clamp(min=0)
        self.offset[car] -= (scores[:, car] - others).quantile(1 - cars).clamp(min=0)


def kind_scores(out: SegmenterOutput) -> Float[Tensor, "batch kinds"]:
    """Log scores of `KINDS`: the network's own choice, the names that it gives to what the mask covers, and
    how sure it is of that mask.

    Its own choice alone calls most birds nothing, because it is trained on renderings of birds only. Names
    come from the teacher, which knows photos; and where a scene holds no object the mask is unsure."""
    choice = out.kinds[:, : len(KINDS)].log_softmax(1)
    mask = out.masks[:, :1].sigmoid()
    total = mask.sum((2, 3)).clamp(min=1)
    sure = ((mask * mask).sum((2, 3)) / total).clamp(0.01, 0.99)
    cells = F.avg_pool2d(mask, mask.shape[-1] // out.names.shape[-1])
    shares = (out.names.softmax(1) * cells).sum((2, 3)) / cells.sum((2, 3)).clamp(min=0.01)
    groups = torch.zeros(NAMES, len(KINDS))
    for kind, names in enumerate(VOC[kind] for kind in KINDS):
        groups[list(names), kind] = 1
    named = (shares @ groups).clamp(min=1e-6).log()
    return (choice + named) / 2 + (sure / (1 - sure)).log()


def export(path: Path, exported: ExportedSegmenter, record: dict[str, Any]) -> None:
    """Write the ONNX file with its provenance; needs the package onnx."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        exported.eval(),
        (torch.zeros(1, 3, SIDE, SIDE),),
        str(path),
        input_names=["rgb"],
        output_names=["masks", "kinds"],
        opset_version=13,
        dynamo=False,
    )
    add_to_onnx(path, record)


def as_input(pictures: UInt8[np.ndarray, "batch side side 3"]) -> Float[Tensor, "batch 3 side side"]:
    """Pictures in bytes as the network takes them, in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
