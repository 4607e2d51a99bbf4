"""§4 "Evaluation metrics", silhouettes: how well what was found covers what was cut out."""

import math

from jaxtyping import Float
from torch import Tensor


def silhouette_iou(alpha: Float[Tensor, "height width"], mask: Float[Tensor, "height width"]) -> float:
    """Intersection over union of the two at one half; 1 where both are empty."""
    found, wanted = alpha >= 0.5, mask >= 0.5
    union = int((found | wanted).sum())
    return int((found & wanted).sum()) / union if union else 1.0


def masked_psnr(
    rgb: Float[Tensor, "height width 3"],
    target: Float[Tensor, "height width 3"],
    mask: Float[Tensor, "height width"],
) -> float:
    """Peak signal-to-noise ratio of colours in [-1, 1] where the mask is above one half, dB, at most 60.

    60 as well where the mask is empty."""
    squared = ((rgb.clamp(-1, 1) - target) / 2).square().mean(-1)[mask > 0.5]
    error = float(squared.mean()) if len(squared) else 0.0
    return -10 * math.log10(max(error, 1e-6))
