"""§3.3: the perceptual distance is averaged over several affine copies of the picture, for a less noisy gradient.

The same copies of rendering and target are compared: the full frame, and some that are rotated, scaled and
shifted at random. The authors draw them anew at every step; here they are drawn once per fit, so that the
target's features are also computed once and the loss is the same function at every step. `fresh` selects theirs.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir.inversion.perceptual import Perceptual

SCALE_OCTAVES = 0.2
"""Standard deviation of the scale, as a power of two."""
SHIFT = 0.1
"""Standard deviation of the shift, in half pictures."""


def draw_crops(count: int, generator: torch.Generator) -> Float[Tensor, "count 2 3"]:
    """Draw random maps from a copy's coordinates to the picture's, both in [-1, 1], on the CPU."""
    angle = math.pi * (2 * torch.rand(count, generator=generator) - 1)
    scale = 2 ** (SCALE_OCTAVES * torch.randn(count, generator=generator))
    shift = SHIFT * torch.randn(count, 2, generator=generator)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = torch.stack((cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]), -1)
    return rows.view(count, 2, 3)


def apply_crops(
    pictures: Float[Tensor, "batch size size channel"], crops: Float[Tensor, "count 2 3"], fill: float = 0.0
) -> Float[Tensor, "copies size size channel"]:
    """Return each picture and its `count` copies, one after the other; bilinear, `fill` from outside the picture.

    Every item of a batch gets the same copies, so that its result does not depend on the other items."""
    batch, size = pictures.shape[:2]
    count = len(crops)
    if not count:
        return pictures
    shape = (batch * count, pictures.shape[-1], size, size)
    grid = F.affine_grid(crops.to(pictures).repeat(batch, 1, 1), list(shape), align_corners=False)
    source = (pictures - fill).permute(0, 3, 1, 2).repeat_interleave(count, 0)
    copies = F.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + fill
    copies = copies.permute(0, 2, 3, 1).view(batch, count, *pictures.shape[1:])
    return torch.cat((pictures[:, None], copies), 1).flatten(0, 1)


class CroppedDistance:
    """The perceptual distance of renderings to one batch of targets, averaged over the frame and its copies."""

    def __init__(
        self,
        perceptual: Perceptual,
        rgb: Float[Tensor, "batch size size 3"],
        mask: Float[Tensor, "batch size size"],
        count: int,
        background: float,
        generator: torch.Generator,
        fresh: bool = False,
    ):
        self.perceptual = perceptual
        self.target = torch.cat((rgb, mask[..., None]), -1)
        self.count = count
        self.background = background
        self.generator = generator
        self.fresh = fresh
        self.redraw()

    @torch.no_grad()
    def redraw(self) -> None:
        """Draw the copies and compute the target's features."""
        self.crops = draw_crops(self.count, self.generator)
        self.theirs = self.features(self.target)

    def features(self, four: Float[Tensor, "batch size size 4"]) -> tuple[Tensor, ...]:
        """Return the features of the copies; the fourth channel is the mask, which is 0 outside the picture."""
        rgb = apply_crops(four[..., :3], self.crops, self.background)
        mask = apply_crops(four[..., 3:], self.crops)[..., 0]
        return self.perceptual.features(rgb, mask)

    def __call__(
        self, rgb: Float[Tensor, "batch size size 3"], alpha: Float[Tensor, "batch size size"]
    ) -> Float[Tensor, " batch"]:
        if self.fresh:
            self.redraw()
        ours = self.features(torch.cat((rgb, alpha[..., None]), -1))
        distances = self.perceptual.distance(ours, self.theirs)
        return distances.view(len(rgb), -1).mean(1)
