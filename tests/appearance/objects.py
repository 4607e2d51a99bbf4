"""An object whose every colour is known: a long ball with painted bands, as a field and as its photo."""

import torch
from torch import Tensor

from spir.geometry.camera import rays
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.types import FieldSample, Photo

HALF = torch.tensor((0.35, 0.3, 0.8))
PALETTE = torch.tensor(((0.9, -0.8, -0.8), (-0.8, -0.8, 0.9), (-0.9, -0.9, -0.9), (0.9, 0.9, 0.9)))
NAMES = ("body paint", "glass", "shade", "highlight")


class LongBall:
    """An ellipsoid, symmetric in x: glass where y is large, paint elsewhere."""

    scene_range = 1.0
    palette = PALETTE[None]

    def sdf(self, points: Tensor) -> Tensor:
        scaled = (points / HALF).norm(dim=-1).clamp(min=1e-6)
        slope = (points / HALF**2).norm(dim=-1).clamp(min=1e-6)
        return scaled * (scaled - 1) / slope

    def attention(self, points: Tensor) -> Tensor:
        glass = torch.sigmoid((points[..., 1] - 0.12) / 0.02)
        nothing = torch.zeros_like(glass)
        return torch.stack((1 - glass, glass, nothing, nothing), -1)

    def __call__(self, points: Tensor, directions: Tensor | None = None) -> FieldSample:
        attention = self.attention(points)
        sdf = self.sdf(points)
        return FieldSample(sdf, (sdf < 0).float(), attention @ PALETTE, attention)

    def optical_depth(self, start: Tensor, end: Tensor, length: Tensor) -> Tensor:
        raise NotImplementedError("nobody renders it")

    def sdf_grid(self, resolution: int) -> Tensor:
        axis = torch.linspace(-1, 1, resolution)
        points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(1, -1, 3)
        return self.sdf(points).reshape(1, resolution, resolution, resolution)


def stripes(points: Tensor) -> Tensor:
    """The colours that the photo shows, [0, 1]: bands along z that no generator would draw, the same on both sides."""
    band = 0.5 + 0.5 * torch.sin(24 * points[..., 2])
    return torch.stack((0.2 + 0.6 * band, 0.3 + 0 * band, 0.8 - 0.6 * band), -1)


def pose(azimuth: float = 60.0, elevation: float = 8.0):
    number = lambda value: torch.tensor([value])  # noqa: E731
    return look_at_pose(number(azimuth), number(elevation), focal=number(2.5), scale=number(0.9))


def photographed(taken, size: int = 320) -> tuple[Photo, Tensor]:
    """The striped ball from a pose, and its mask; found ray by ray."""
    camera = camera_from_pose(taken)
    origins, directions = (part[0] for part in rays(camera, size, size))
    a, b = origins / HALF, directions / HALF
    bb, ab, aa = (b * b).sum(-1), (a * b).sum(-1), (a * a).sum(-1) - 1
    root = ab**2 - aa * bb
    hit = root > 0
    points = origins + ((-ab - root.clamp(min=0).sqrt()) / bb)[..., None] * directions
    grey = torch.full_like(points, 0.35)
    rgb = torch.where(hit[..., None], stripes(points), grey)
    return Photo((rgb * 255).round().byte()), hit.float()
