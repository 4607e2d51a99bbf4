"""The small segmenter: which pixels belong to the largest object, which to any, and what the picture shows.

A residual network (He et al., CVPR 2016) of plain convolutions, which every CPU runs fast, with batch norms that the
file has folded into them; a decoder that adds finer and finer maps (Lin et al., "Feature Pyramid Networks", CVPR 2017).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from spir.data.segmentation.deeplab import NAMES, VOC
from spir.photo.finding import KINDS
from spir.photo.segmenters.onnx import SIDE, squared


@dataclass(frozen=True)
class SegmenterConfig:
    """Every width; maps of a half, a quarter, ... of the picture's side."""

    widths: tuple[int, ...] = (24, 32, 64, 96, 112)
    blocks: tuple[int, ...] = (0, 1, 2, 2, 2)
    decoder: tuple[int, ...] = (16, 32, 48, 64)
    """The same, without the coarsest."""


def conv(width: int, channels: int, side: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution and its batch norm."""
    return nn.Sequential(
        nn.Conv2d(width, channels, side, stride, side // 2, bias=False), nn.BatchNorm2d(channels)
    )


class Residual(nn.Module):
    """Two convolutions beside nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width)
        self.second = conv(width, width)
        # A block begins as nothing, which lets a deep stack learn from the first step.
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Float[Tensor, "batch width h w"]) -> Float[Tensor, "batch width h w"]:
        return F.relu(x + self.second(F.relu(self.first(x))))


class Stage(nn.Module):
    """Half the side, then the blocks."""

    def __init__(self, width: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.down = conv(width, channels, stride=2)
        self.blocks = nn.Sequential(*(Residual(channels) for _ in range(blocks)))

    def forward(self, x: Float[Tensor, "batch width h w"]) -> Float[Tensor, "batch channels h2 w2"]:
        return self.blocks(F.relu(self.down(x)))


class Answer(NamedTuple):
    """Logits of a batch."""

    masks: Float[Tensor, "batch 2 half half"]
    """Of the largest object and of any."""
    kinds: Float[Tensor, "batch kinds"]
    """Of `KINDS` and of "nothing I know"."""
    names: Float[Tensor, "batch names cells cells"]
    """Of the teacher's names, in cells of 16 x 16 pixels."""


class SegmenterNetwork(nn.Module):
    """Pictures in [-1, 1] -> logits at half their side: of the largest object and of any; of `KINDS` and "nothing I
    know"; and of the teacher's names in cells of 16 x 16 pixels. The side is a multiple of
    32."""

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

    def forward(self, rgb: Float[Tensor, "batch 3 side side"]) -> Answer:
        maps = []
        x = rgb
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        mean, most = x.mean((2, 3)), x.amax((2, 3))
        # What is in the picture at all helps to say where it is.
        x = x + self.around(mean)[:, :, None, None]
        for own, side, onto, mend in reversed(list(zip(maps, self.side, self.onto, self.mend, strict=False))):
            x = F.relu(mend(side(own) + enlarged(onto(x))))
            if own is maps[-2]:
                names = self.names(x)
        return Answer(self.masks(x), self.kinds(torch.cat((mean, most), 1)), names)


def enlarged(maps: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h2 w2"]:
    """To twice the side."""
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)


class Shipped(nn.Module):
    """The graph of the file: bytes in, probabilities out, so that nobody has to know how colours were scaled."""

    def __init__(self, network: SegmenterNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("offset", torch.zeros(len(KINDS)))
        """Of each kind against "nothing I know"; see `calibrate`."""

    def forward(
        self, rgb: Float[Tensor, "1 3 side side"]
    ) -> tuple[Float[Tensor, "1 2 side side"], Float[Tensor, "1 kinds"]]:
        answer = self.network(rgb / 127.5 - 1)
        scores = for_kinds(answer) + self.offset
        kinds = torch.cat((scores, torch.zeros_like(scores[:, :1])), 1).softmax(1)
        return enlarged(answer.masks).sigmoid(), kinds

    @torch.no_grad()
    def calibrate(self, scenes: list[UInt8[np.ndarray, "_ _ 3"]], objects: float, cars: float) -> None:
        """Set the offsets by what scenes without our kinds are taken for: a share `objects` of them for one of our kinds,
        `cars` at most for a car."""
        told = torch.cat([for_kinds(self.network(as_input(squared(scene)[None]))) for scene in scenes])
        self.offset[:] = -told.amax(1).quantile(1 - objects)
        told = told + self.offset
        car = KINDS.index("car")
        others = torch.cat((told[:, :car], told[:, car + 1 :]), 1).amax(1).clamp(min=0)
        self.offset[car] -= (told[:, car] - others).quantile(1 - cars).clamp(min=0)


def for_kinds(answer: Answer) -> Float[Tensor, "batch kinds"]:
    """What speaks for each of `KINDS`, logarithms: the network's own choice among them, the names it gives to what the mask
    covers, and how sure it is of that mask.

    Its own choice alone calls most birds nothing: photos of birds it never saw, only renderings. Names it has from its
    teacher, of photos; and of a scene without an object the mask is a guess."""
    choice = answer.kinds[:, : len(KINDS)].log_softmax(1)
    mask = answer.masks[:, :1].sigmoid()
    total = mask.sum((2, 3)).clamp(min=1)
    sure = ((mask * mask).sum((2, 3)) / total).clamp(0.01, 0.99)
    cells = F.avg_pool2d(mask, mask.shape[-1] // answer.names.shape[-1])
    shares = (answer.names.softmax(1) * cells).sum((2, 3)) / cells.sum((2, 3)).clamp(min=0.01)
    groups = torch.zeros(NAMES, len(KINDS))
    for kind, names in enumerate(VOC[kind] for kind in KINDS):
        groups[list(names), kind] = 1
    named = (shares @ groups).clamp(min=1e-6).log()
    return (choice + named) / 2 + (sure / (1 - sure)).log()


def export(path: Path, shipped: Shipped) -> None:
    """Write the ONNX file; needs the package onnx."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        shipped.eval(),
        (torch.zeros(1, 3, SIDE, SIDE),),
        str(path),
        input_names=["rgb"],
        output_names=["masks", "kinds"],
        opset_version=13,
        dynamo=False,
    )


def as_input(pictures: UInt8[np.ndarray, "batch side side 3"]) -> Float[Tensor, "batch 3 side side"]:
    """Bytes to what the network sees."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
