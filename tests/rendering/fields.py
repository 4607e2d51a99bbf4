"""Objects whose every answer is a formula: what the renderers are tested on."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from spir.geometry.density import LaplaceDensity
from spir.types import FieldSample

PALETTE = torch.tensor([[0.9, -0.6, -0.2], [-0.5, 0.3, 0.8], [0.1, 0.9, -0.7]])


@dataclass(frozen=True)
class AnalyticField:
    """A batch of SDF formulas, painted with a palette whose attention varies smoothly in space."""

    law: LaplaceDensity
    palette: Float[Tensor, "values 3"]
    scene_range: float

    def sdf(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point"]:
        raise NotImplementedError

    @property
    def batch(self) -> int:
        raise NotImplementedError

    def __call__(
        self, points: Float[Tensor, "batch point 3"], directions: Float[Tensor, "batch point 3"] | None = None
    ) -> FieldSample:
        assert points.isfinite().all(), "the renderer asked about a point that is not finite"
        assert len(points) == self.batch
        sdf = self.sdf(points)
        attention = (3 * points @ torch.eye(3, 3, dtype=points.dtype)).softmax(-1)
        density = self.law(sdf) * (points.abs() <= self.scene_range).all(-1)
        return FieldSample(sdf, density, attention @ self.palette.to(points), attention)

    def sdf_grid(self, resolution: int) -> Float[Tensor, "batch x y z"]:
        line = torch.linspace(-self.scene_range, self.scene_range, resolution, dtype=self.law.beta.dtype)
        points = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).reshape(1, -1, 3)
        return self.sdf(points.expand(self.batch, -1, 3)).unflatten(1, (resolution,) * 3)

    def optical_depth(self, start, end, length):
        return self.law.optical_depth(start, end, length)


@dataclass(frozen=True)
class Spheres(AnalyticField):
    """The union of spheres, per object."""

    centre: Float[Tensor, "batch sphere 3"]
    radius: Float[Tensor, "batch sphere"]

    @property
    def batch(self) -> int:
        return len(self.centre)

    def sdf(self, points):
        away = points[:, :, None] - self.centre[:, None]
        # The small number keeps the root differentiable at the centre itself.
        return ((away.square().sum(-1) + 1e-12).sqrt() - self.radius[:, None]).amin(-1)


@dataclass(frozen=True)
class Boxes(AnalyticField):
    """One axis-aligned box per object, about the origin."""

    half: Float[Tensor, "batch 3"]

    @property
    def batch(self) -> int:
        return len(self.half)

    def sdf(self, points):
        q = points.abs() - self.half[:, None]
        outside = (q.clamp_min(0).square().sum(-1) + 1e-12).sqrt()
        return outside + q.amax(-1).clamp_max(0)


def law(beta: float = 0.02, alpha: float | None = None, dtype=torch.float32) -> LaplaceDensity:
    return LaplaceDensity(
        torch.tensor(beta if alpha is None else alpha, dtype=dtype), torch.tensor(beta, dtype=dtype)
    )


def sphere(radius=0.5, centre=(0.0, 0.0, 0.0), beta=0.005, scene_range=1.0) -> Spheres:
    return Spheres(law(beta), PALETTE, scene_range, torch.tensor([[centre]]), torch.tensor([[float(radius)]]))


def two_spheres(beta=0.02, scene_range=1.0) -> Spheres:
    centre = torch.tensor([[[-0.25, 0.05, 0.1], [0.35, -0.1, -0.05]]])
    return Spheres(law(beta), PALETTE, scene_range, centre, torch.tensor([[0.42, 0.3]]))


def box(half=(0.6, 0.3, 0.4), beta=0.02, scene_range=1.0) -> Boxes:
    return Boxes(law(beta), PALETTE, scene_range, torch.tensor([half]))
