"""§4 "Evaluation metrics", silhouettes: how well what was found covers what was cut out."""

from jaxtyping import Float
from torch import Tensor


def silhouette_iou(alpha: Float[Tensor, "height width"], mask: Float[Tensor, "height width"]) -> float:
    """Intersection over union of the two at one half; 1 where both are empty."""
    found, wanted = alpha >= 0.5, mask >= 0.5
    union = int((found | wanted).sum())
    return int((found & wanted).sum()) / union if union else 1.0
