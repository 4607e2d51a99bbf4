"""§4 "Experimental setting", evaluation: how near a picture, a silhouette and a rotation come to the truth.

Pictures are given in [-1, 1] and compared in [0, 1], both clamped; every metric is one number per item.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from spir.geometry.rotation import view_from_rotation

PSNR_CAP = 60.0
"""dB; equal pictures would have infinitely many."""
SSIM_WINDOW = 7
SSIM_K1, SSIM_K2 = 0.01, 0.03
"""Wang et al. 2004, with the uniform window that is scikit-image's default."""
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


def ssim(
    rgb: Float[Tensor, "batch height width 3"], target: Float[Tensor, "batch height width 3"]
) -> Float[Tensor, " batch"]:
    """Structural similarity, at most 1: mean over channels and over all windows that lie in the picture.

    Uniform windows of 7 x 7 and unbiased variances, as scikit-image's default; data range 1."""
    a, b = (unit(picture).double().permute(0, 3, 1, 2) for picture in (rgb, target))

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, SSIM_WINDOW, stride=1)

    count = SSIM_WINDOW**2
    unbiased = count / (count - 1)
    mean_a, mean_b = mean(a), mean(b)
    variance_a = unbiased * (mean(a * a) - mean_a**2)
    variance_b = unbiased * (mean(b * b) - mean_b**2)
    covariance = unbiased * (mean(a * b) - mean_a * mean_b)
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    likeness = likeness / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))
    return likeness.mean((1, 2, 3)).to(rgb.dtype)


def iou(
    alpha: Float[Tensor, "batch height width"], mask: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """Intersection over union of two silhouettes, each at one half; two empty ones agree."""
    a, b = alpha > 0.5, mask > 0.5
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    return (both + EPSILON) / (either + EPSILON)


def azimuth_error_deg(
    quaternion: Float[Tensor, "batch 4"], truth: Float[Tensor, "batch 4"]
) -> Float[Tensor, " batch"]:
    """How far one must walk around the object to get from one camera to the other, degrees in [0, 180]."""
    apart = view_from_rotation(quaternion)[0] - view_from_rotation(truth)[0]
    return (torch.remainder(apart + 180, 360) - 180).abs()
