"""§4 "Evaluation metrics", pixel by pixel: how well what was found covers and colours what was cut out.

Pictures are given in [-1, 1] and compared in [0, 1], both clamped; every metric is one number per item.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

PSNR_CAP = 60.0
"""dB; equal pictures would have infinitely many."""
EPSILON = 1e-6


def unit(rgb: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """[-1, 1] to [0, 1], clamped."""
    return ((rgb + 1) / 2).clamp(0, 1)


def psnr(
    rgb: Float[Tensor, "batch height width 3"],
    target: Float[Tensor, "batch height width 3"],
    where: Bool[Tensor, "batch height width"] | None = None,
) -> Float[Tensor, " batch"]:
    """10 log10(1 / mean squared error), dB, at most 60, over the pixels of `where`; none = all of them.

    An item without a pixel has no error."""
    square = (unit(rgb) - unit(target)).square().mean(-1)
    weight = torch.ones_like(square) if where is None else where.to(square)
    error = (square * weight).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1)
    return (-10 * torch.log10(error.clamp_min(1e-12))).clamp_max(PSNR_CAP)


def in_photo(
    alpha: Float[Tensor, "1 size size"], box_px: Float[Tensor, "1 4"], height: int, width: int
) -> Float[Tensor, "1 height width"]:
    """A silhouette of a cut-out back in its place in the photo, of height x width pixels; 0 around its box."""
    left, top, right, bottom = (int(edge) for edge in box_px[0])
    size = (bottom - top, right - left)
    full = F.interpolate(alpha[:, None].float(), size=size, mode="bilinear", align_corners=False)[:, 0]
    # A box may leave the photo on any side.
    return F.pad(full, (left, width - right, top, height - bottom)).clamp(0, 1)


def iou(
    alpha: Float[Tensor, "batch height width"], mask: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """Intersection over union of two silhouettes, each at one half; two empty ones agree."""
    a, b = alpha > 0.5, mask > 0.5
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    return (both + EPSILON) / (either + EPSILON)
