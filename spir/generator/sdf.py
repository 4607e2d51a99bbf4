"""§3.1 "SDF representation": plane features to signed distance and colour attention, as a `Field`.

Everything here runs in float32, whatever precision the planes were computed in: the error of a bfloat16 distance is
larger than the width of a thin density shell.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.generator.colour import map_colour
from spir.generator.layers import Linear
from spir.generator.triplane import resample_planes, sample_planes, sample_planes_twice
from spir.generator.view_direction import ViewDirectionMapper
from spir.geometry.density import LaplaceDensity
from spir.types import FieldSample

SLAB_FLOATS = 2**22
"""Hidden activations that `sdf_grid` holds at a time (16 MB), about the cache's size at any resolution."""


class Decoder(nn.Module):
    """Maps features -> hidden Softplus -> 1 distance (object units) + K attention logits, or features for them."""

    def __init__(self, channels: int, hidden: int, others: int):
        super().__init__()
        self.net = nn.Sequential(Linear(channels, hidden), nn.Softplus(), Linear(hidden, 1 + others))

    @property
    def first(self) -> Linear:
        """The layer that takes the features."""
        return cast(Linear, self.net[0])

    @property
    def last(self) -> Linear:
        """The layer that outputs distance and logits."""
        return cast(Linear, self.net[2])

    def forward(
        self, features: Float[Tensor, "batch point channel"]
    ) -> tuple[Float[Tensor, "batch point"], Float[Tensor, "batch point values"]]:
        output = self.net(features)
        return output[..., 0], output[..., 1:]

    def sdf(self, features: Float[Tensor, "batch point channel"]) -> Float[Tensor, "batch point"]:
        return self.sdf_from_hidden(self.net[0](features))

    def sdf_from_hidden(self, hidden: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch"]:
        """Return only the distance from the first layer's output, before its activation."""
        last = self.last
        distance, bias = F.softplus(hidden) @ last.effective_weight[0], last.effective_bias
        assert bias is not None
        return distance + bias[0]


def full_precision(tensor: Tensor) -> torch.autocast:
    """Return a context that disables a surrounding autocast."""
    return torch.autocast(tensor.device.type, enabled=False)


class PlaneField:
    """A batch of objects represented by three planes each; implements `spir.types.Field`."""

    def __init__(
        self,
        planes: Float[Tensor, "batch 3 channel size size"],
        palette: Float[Tensor, "batch values 3"],
        decoder: Decoder,
        density: LaplaceDensity,
        scene_range: float,
        view: ViewDirectionMapper | None = None,
    ):
        self.planes = planes
        self.palette = palette
        self.decoder = decoder
        self.density = density
        self.scene_range = scene_range
        self.view = view

    def features(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point channel"]:
        return sample_planes(self.planes, points / self.scene_range)

    def __call__(
        self, points: Float[Tensor, "batch point 3"], directions: Float[Tensor, "batch point 3"] | None = None
    ) -> FieldSample:
        """Evaluate the field; density is zero outside the cube and at points that are not finite."""
        with full_precision(points):
            sdf, logits = self.decoder(self.features(points))
            if self.view is not None:
                logits = self.view(self.head_on(points) if directions is None else directions, logits)
            inside = (points.abs() <= self.scene_range).all(-1)
            density = self.density(sdf) * inside
            return FieldSample(sdf, density, *self.colour(logits))

    def colour(
        self, logits: Float[Tensor, "batch point values"]
    ) -> tuple[Float[Tensor, "batch point 3"], Float[Tensor, "batch point values"] | None]:
        """Convert the decoder's other outputs to colour, and return the attention that mixed it."""
        attention = logits.softmax(-1)
        return map_colour(attention, self.palette), attention

    def head_on(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point 3"]:
        """Return directions opposite to the surface normal."""
        return -F.normalize(self.slope(points)[1].detach(), dim=-1)

    def sdf(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point"]:
        with full_precision(points):
            return self.decoder.sdf(self.features(points))

    def slope(
        self, points: Float[Tensor, "batch point 3"]
    ) -> tuple[Float[Tensor, "batch point"], Float[Tensor, "batch point 3"]]:
        """Return the distance and its gradient in space, both differentiable in the network's weights."""
        with full_precision(points), torch.enable_grad():
            points = points.detach().requires_grad_()
            sdf = self.decoder.sdf(sample_planes_twice(self.planes, points / self.scene_range))
            return sdf, torch.autograd.grad(sdf.sum(), points, create_graph=True)[0]

    def sdf_grid(self, resolution: int) -> Float[Tensor, "batch x y z"]:
        """Return the SDF on the regular grid of the cube, indexed [x, y, z], without any gather.

        The decoder's first layer is linear in the sum of three features, so it is applied to the three
        resampled planes and broadcast; slabs along x keep the memory small."""
        first = self.decoder.first
        with full_precision(self.planes):
            planes = resample_planes(self.planes, resolution)
            hidden = torch.einsum("bpchw,nc->bpwhn", planes, first.effective_weight / 3)
            xy, xz, yz = hidden.contiguous().unbind(1)
            bias = first.effective_bias
            assert bias is not None
            xy = xy + bias
            rows = max(1, SLAB_FLOATS // (len(planes) * yz[0].numel()))
            slabs = [
                self.decoder.sdf_from_hidden(a[:, :, :, None] + b[:, :, None] + yz[:, None])
                for a, b in zip(xy.split(rows, 1), xz.split(rows, 1), strict=True)
            ]
            return torch.cat(slabs, 1)

    def optical_depth(
        self, start: Float[Tensor, "*shape"], end: Float[Tensor, "*shape"], length: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Return the integral of the density over a segment whose SDF runs linearly from `start` to `end`."""
        return self.density.optical_depth(start, end, length)
