"""Objects whose surface and colours are formulas: what every output is tested on."""

from dataclasses import dataclass

import torch

from spir.geometry.density import LaplaceDensity
from spir.types import FieldSample

PALETTE = torch.tensor([[0.9, -0.6, -0.2], [-0.5, 0.3, 0.8], [0.1, 0.9, -0.7]])


@dataclass(frozen=True)
class Balls:
    """The union of balls (x, y, z, radius); attention is the softmax of the position."""

    balls: tuple[tuple[float, float, float, float], ...] = ((0.0, 0.0, 0.0, 0.5),)
    scene_range: float = 1.0
    palette: torch.Tensor = PALETTE
    law = LaplaceDensity(torch.tensor(0.01), torch.tensor(0.01))

    def sdf(self, points):
        table = torch.tensor(self.balls)
        away = (points[:, :, None] - table[:, :3]).square().sum(-1).add(1e-12).sqrt()
        return (away - table[:, 3]).amin(-1)

    def __call__(self, points, directions=None):
        sdf = self.sdf(points)
        attention = (4 * points).softmax(-1)
        density = self.law(sdf) * (points.abs() <= self.scene_range).all(-1)
        return FieldSample(sdf, density, attention @ self.palette, attention)

    def sdf_grid(self, resolution):
        line = torch.linspace(-self.scene_range, self.scene_range, resolution)
        points = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1)
        return self.sdf(points.reshape(1, -1, 3)).reshape(1, resolution, resolution, resolution)

    def optical_depth(self, start, end, length):
        return self.law.optical_depth(start, end, length)
