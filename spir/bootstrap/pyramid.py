"""§3.2, what all trunks of the encoder share: maps of several resolutions, and SegFormer's all-MLP head that fuses them.

Maps are (batch, channel, height, width); tokens are (batch, token, channel), which is the same memory in
channels-last order, so converting between them costs nothing.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from spir.imagenet import LITE0, EfficientNet, pretrained


def to_tokens(x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch token channel"]:
    """Flatten a map to a sequence of tokens, row by row."""
    return x.flatten(2).transpose(1, 2)


def to_map(
    tokens: Float[Tensor, "batch token channel"], height: int, width: int
) -> Float[Tensor, "batch channel height width"]:
    """Invert `to_tokens`; the result is channels-last in memory."""
    return tokens.transpose(1, 2).unflatten(2, (height, width))


class StageProjection(nn.Module):
    """Projects one stage's map to the decoder's width, pixel by pixel."""

    def __init__(self, dim: int, width: int):
        super().__init__()
        self.proj = nn.Linear(dim, width)

    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch out height width"]:
        return to_map(self.proj(to_tokens(x)), x.shape[2], x.shape[3])


class FeaturePyramid(nn.Module):
    """A trunk and its decode head: maps a picture to `out_channels` at a quarter of its size."""

    def add_decode_head(self, dims: Sequence[int], decode_width: int, out_channels: int) -> None:
        """Create the decode head; `dims` are the channels of the maps, finest first."""
        self.stages = len(dims)
        for i in range(self.stages, 0, -1):
            self.add_module(f"linear_c{i}", StageProjection(dims[i - 1], decode_width))
        self.linear_fuse = nn.Conv2d(decode_width * self.stages, decode_width, 1)
        self.linear_pred = nn.Conv2d(decode_width, out_channels, 1)

    def features(self, x: Float[Tensor, "batch channel height width"]) -> tuple[Tensor, ...]:
        """Return the stages' maps, (batch, dims[i], height / 4 / 2^i, width / 4 / 2^i), finest first."""
        raise NotImplementedError

    def decode(self, maps: tuple[Tensor, ...]) -> Float[Tensor, "batch out height width"]:
        """Project every stage to one width, upsample to the finest size and fuse, coarsest first."""
        size = maps[0].shape[2:]
        parts = [
            F.interpolate(self.get_submodule(f"linear_c{i}")(maps[i - 1]), size, mode="bilinear")
            for i in range(self.stages, 0, -1)
        ]
        return self.linear_pred(self.linear_fuse(torch.cat(parts, 1)))

    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch out map_height map_width"]:
        return self.decode(self.features(x))


class EfficientNetPyramid(FeaturePyramid):
    """The convolutions of EfficientNet-Lite0 under the decode head."""

    def __init__(self, in_channels: int, out_channels: int, decode_width: int):
        super().__init__()
        self.network = EfficientNet(LITE0, in_channels)
        self.add_decode_head(LITE0.dims[1:], decode_width, out_channels)

    def features(self, x: Float[Tensor, "batch channel height width"]) -> tuple[Tensor, ...]:
        return self.network(x)[1:]

    def load_imagenet(self) -> None:
        """Begin with the weights of ImageNet. Raises ImportError where their package is not installed."""
        self.network.load_state_dict(pretrained(LITE0, self.network.stem.in_channels).state_dict())
