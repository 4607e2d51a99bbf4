"""§3.2, the encoder's trunk: SegFormer, that is a Mix Transformer with an all-MLP decode head, of any size.

The tensor names are those of the public MiT checkpoints and of the authors' encoder, so both load unchanged.
Maps inside this file are (batch, channel, height, width); tokens are (batch, token, channel), which is
the same memory in channels-last order, so converting between them costs nothing.
"""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from spir.bootstrap.pyramid import FeaturePyramid, to_map, to_tokens


class DropPath(nn.Module):
    """Stochastic depth: in training a residual branch is dropped with probability `rate`, per item."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "batch token channel"]) -> Float[Tensor, "batch token channel"]:
        if not self.training or self.rate == 0:
            return x
        keep = torch.rand(x.shape[0], 1, 1, device=x.device, dtype=torch.float32) >= self.rate
        return x * (keep / (1 - self.rate)).to(x.dtype)


class PatchEmbed(nn.Module):
    """Overlapping patches: a strided convolution, then a layer norm over channels."""

    def __init__(self, in_channels: int, dim: int, kernel: int, stride: int):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, dim, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> tuple[Tensor, int, int]:
        """Return tokens (batch, token, dim) with the height and width of their map."""
        x = self.proj(x)
        return self.norm(to_tokens(x)), x.shape[2], x.shape[3]


class Attention(nn.Module):
    """Multi-head attention whose keys and values come from a map reduced `sr_ratio` times."""

    def __init__(self, dim: int, heads: int, sr_ratio: int):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)
        self.sr_ratio = sr_ratio
        if sr_ratio > 1:
            self.sr = nn.Conv2d(dim, dim, sr_ratio, sr_ratio)
            self.norm = nn.LayerNorm(dim)

    def forward(
        self, x: Float[Tensor, "batch token channel"], height: int, width: int
    ) -> Float[Tensor, "batch token channel"]:
        source = x
        if self.sr_ratio > 1:
            source = self.norm(to_tokens(self.sr(to_map(x, height, width))))
        q = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.kv(source).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class DepthwiseConv(nn.Module):
    """A 3x3 convolution per channel; its zero padding is the network's only positional information."""

    def __init__(self, dim: int):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 3, 1, 1, groups=dim)

    def forward(
        self, x: Float[Tensor, "batch token channel"], height: int, width: int
    ) -> Float[Tensor, "batch token channel"]:
        return to_tokens(self.dwconv(to_map(x, height, width)))


class MixMLP(nn.Module):
    """Linear, depthwise convolution, GELU, linear."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.dwconv = DepthwiseConv(hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(
        self, x: Float[Tensor, "batch token channel"], height: int, width: int
    ) -> Float[Tensor, "batch token channel"]:
        return self.fc2(F.gelu(self.dwconv(self.fc1(x), height, width)))


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, dim: int, heads: int, sr_ratio: int, mlp_ratio: int, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads, sr_ratio)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MixMLP(dim, dim * mlp_ratio)

    def forward(
        self, x: Float[Tensor, "batch token channel"], height: int, width: int
    ) -> Float[Tensor, "batch token channel"]:
        x = x + self.drop_path(self.attn(self.norm1(x), height, width))
        return x + self.drop_path(self.mlp(self.norm2(x), height, width))


class SegFormer(FeaturePyramid):
    """Mix Transformer and decode head: maps a picture to `out_channels` at a quarter of its size."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dims: Sequence[int],
        heads: Sequence[int],
        depths: Sequence[int],
        sr_ratios: Sequence[int],
        mlp_ratio: int,
        decode_width: int,
        drop_path: float,
    ):
        super().__init__()
        last = max(sum(depths) - 1, 1)
        rates = [drop_path * i / last for i in range(sum(depths))]
        channels = in_channels
        for i, dim in enumerate(dims, start=1):
            kernel, stride = (7, 4) if i == 1 else (3, 2)
            first = sum(depths[: i - 1])
            blocks = [
                Block(dim, heads[i - 1], sr_ratios[i - 1], mlp_ratio, rates[first + j])
                for j in range(depths[i - 1])
            ]
            self.add_module(f"patch_embed{i}", PatchEmbed(channels, dim, kernel, stride))
            self.add_module(f"block{i}", nn.ModuleList(blocks))
            self.add_module(f"norm{i}", nn.LayerNorm(dim, eps=1e-6))
            channels = dim
        self.add_decode_head(dims, decode_width, out_channels)

    def features(self, x: Float[Tensor, "batch channel height width"]) -> tuple[Tensor, ...]:
        """Return the stages' maps, (batch, dims[i], height / 4 / 2^i, width / 4 / 2^i), finest first."""
        maps = []
        for i in range(1, self.stages + 1):
            tokens, height, width = self.get_submodule(f"patch_embed{i}")(x)
            for block in cast(nn.ModuleList, self.get_submodule(f"block{i}")):
                tokens = block(tokens, height, width)
            x = to_map(self.get_submodule(f"norm{i}")(tokens), height, width)
            maps.append(x)
        return tuple(maps)
