"""§4 "Experimental setting", adaptive discriminator augmentation that keeps pictures and cameras together.

The augmentation is geometric only: a picture is turned, scaled and shifted, and its camera with it. Fakes are
not warped but rendered from such cameras, and the discriminator is conditioned on the camera, so a generator
gains nothing from drawing turned objects: the augmentation does not leak.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir.geometry.rotation import about_axis, multiply
from spir.types import Movable, Pose

LEAST_FOCAL = 0.525
"""Picture widths; zooming out ends here, because a pose cannot express half a width or less."""


@dataclass(frozen=True)
class AdaConfig:
    """How far pictures are transformed, and how often."""

    scale_octaves: float = 0.2
    """Standard deviation of the scale, as a power of two."""
    shift: float = 0.1
    """Standard deviation of the shift, half picture widths."""
    target: float = 0.6
    """Mean sign of the logits of real pictures above which the discriminator counts as overfitted."""
    pictures: int = 500_000
    """Real pictures after which the probability can have gone from 0 to 1."""
    every: int = 4
    """Discriminator steps between two changes of the probability."""
    max_probability: float = 0.8
    """The probability is at most this; 0 = no augmentation."""
    start_step: int = 6_250
    """Nothing is augmented before this step."""

    def next_probability(self, probability: float, sign: float, batch: int) -> float:
        """The probability of each transform after `every` steps in which the logits of real pictures had the
        mean sign `sign`, in [-1, 1], and a step had `batch` pictures."""
        change = math.copysign(batch * self.every / self.pictures, sign - self.target)
        return min(max(probability + change, 0.0), self.max_probability)


@dataclass(frozen=True)
class SimilarityTransform(Movable):
    """A point x of the picture goes to scale * rotate(angle) x + shift; x right, y up, [-1, 1]."""

    angle: Float[Tensor, " batch"]
    """Radians, anticlockwise."""
    scale: Float[Tensor, " batch"]
    shift: Float[Tensor, "batch 2"]


def sample_transform(
    count: int, probability: float, config: AdaConfig, device: torch.device | str = "cpu"
) -> SimilarityTransform:
    """Draw a batch of transforms; each of rotation, scaling and shift happens with this probability."""
    like = torch.zeros(count, device=device)
    chosen = lambda: (torch.rand_like(like) < probability).float()  # noqa: E731
    return SimilarityTransform(
        angle=chosen() * math.pi * (2 * torch.rand_like(like) - 1),
        scale=2 ** (chosen() * config.scale_octaves * torch.randn_like(like)),
        shift=chosen()[:, None] * config.shift * torch.randn(count, 2, device=device),
    )


def transform_images(
    pictures: Float[Tensor, "batch channel size size"], move: SimilarityTransform
) -> Float[Tensor, "batch channel size size"]:
    """Transform pictures by bilinear sampling; what comes in from outside is 0, grey colour and no object."""
    cosine, sine = move.angle.cos() / move.scale, move.angle.sin() / move.scale
    x, y = move.shift.unbind(1)
    # Where a pixel comes from, with y down as affine_grid has it.
    rows = (
        torch.stack((cosine, -sine, -cosine * x - sine * y), 1),
        torch.stack((sine, cosine, -sine * x + cosine * y), 1),
    )
    grid = F.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def transform_pose(pose: Pose, move: SimilarityTransform) -> Pose:
    """The camera whose picture is the transformed one.

    Turning and scaling are exact (scaling is a zoom). A shift moves the object across the picture rather than
    the picture itself: cameras look straight ahead here, and for a tenth of a picture the two are alike."""
    cosine, sine = move.angle.cos(), move.angle.sin()
    x, y = pose.shift.unbind(1)
    turned = torch.stack((cosine * x - sine * y, sine * x + cosine * y), 1)
    z0 = pose.z0
    if z0 is not None:
        z0 = (move.scale * (1 + z0.exp())).clamp(min=2 * LEAST_FOCAL).sub(1).log()
    return replace(
        pose,
        z0=z0,
        shift=move.scale[:, None] * turned + move.shift,
        scale=move.scale * pose.scale,
        quaternion=multiply(about_axis(2, torch.rad2deg(move.angle)), pose.quaternion),
    )
