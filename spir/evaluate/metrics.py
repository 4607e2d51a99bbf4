"""§4 "Experimental setting", evaluation: how near a picture and a rotation come to the truth.

Silhouettes and colours are compared in `spir.outputs.agreement`, which the page shows too.

Pictures are given in [-1, 1] and compared in [0, 1], both clamped; every metric is one number per item.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.geometry.rotation import view_from_rotation
from spir.outputs.agreement import unit

FLIP_DEG = 135.0
"""An azimuth further off than this takes the front for the back."""
SSIM_WINDOW = 7
SSIM_K1, SSIM_K2 = 0.01, 0.03
"""Wang et al. 2004, with the uniform window that is scikit-image's default."""
EDGE_PX = 3
"""Pixels next to the silhouette that say nothing of how sharp the surface is: the silhouette is always sharp."""


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


def sharpness(
    rgb: Float[Tensor, "batch height width 3"], alpha: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """How much brightness, in [0, 1], changes from pixel to pixel on the object: |across| + |down|, mean over the pixels
    further than `EDGE_PX` inside the silhouette."""
    grey = unit(rgb).mean(-1)
    across = (grey[:, :, 1:] - grey[:, :, :-1]).abs()[:, :-1]
    down = (grey[:, 1:] - grey[:, :-1]).abs()[:, :, :-1]
    inside = -F.max_pool2d(-alpha[:, None], 2 * EDGE_PX + 1, stride=1, padding=EDGE_PX)[:, 0, :-1, :-1]
    return ((across + down) * inside).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)


def azimuth_error_deg(
    quaternion: Float[Tensor, "batch 4"], truth: Float[Tensor, "batch 4"]
) -> Float[Tensor, " batch"]:
    """How far one must walk around the object to get from one camera to the other, degrees in [0, 180]."""
    apart = view_from_rotation(quaternion)[0] - view_from_rotation(truth)[0]
    return (torch.remainder(apart + 180, 360) - 180).abs()
