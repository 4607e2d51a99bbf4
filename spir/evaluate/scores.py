"""Scores of views against the truth, and their means by how far the camera is from the photo's."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from spir.evaluate.items import Record
from spir.evaluate.judge import judge, why_no_judge
from spir.metrics.images import sharpness
from spir.types import Camera, Cutout, Rendering

BANDS = {"0-30": (0.0, 30.0), "30-90": (30.0, 90.0), "90-180": (90.0, 180.1)}
"""Angles in degrees between the photo's direction of view and the target's: seen, partly seen, the other side."""
BY_BAND = (*BANDS, "all")
"""The keys of `banded` in the order of the tables."""


def true_view(cut: Cutout) -> Rendering:
    """Return a cut-out as the view that a rendering is compared with; its depth is not known, and is not compared."""
    return Rendering(cut.rgb, cut.mask, cut.mask)


def judged(seen: Rendering, target: Rendering) -> Float[Tensor, " batch"]:
    """Return the judge's distance within the union of both silhouettes; NaN where no judge is installed."""
    if why_no_judge():
        return torch.full((len(seen.alpha),), math.nan)
    either = ((seen.alpha > 0.5) | (target.alpha > 0.5)).float()
    return judge().distance(seen.rgb, target.rgb, either)


def relative_sharpness(seen: Rendering, target: Rendering) -> Float[Tensor, " batch"]:
    """Return the ratio of sharpness, each within its own silhouette; 1 = as sharp as the truth."""
    return sharpness(seen.rgb, seen.alpha) / sharpness(target.rgb, target.alpha).clamp(min=1e-6)


def angles_deg(first: Camera, others: Camera) -> list[float]:
    """Return the angles at the object between a camera's direction of view (batch of 1) and those of others."""
    ahead = [torch.nn.functional.normalize(one.cam2world[:, :3, 2], dim=-1) for one in (first, others)]
    return torch.rad2deg(torch.acos((ahead[0] * ahead[1]).sum(-1).clamp(-1, 1))).tolist()


def pooled(records: Sequence[Record], part: str, name: str) -> list[float]:
    """Return one metric of one part of every record, over all views of all items."""
    return [value for record in records for value in record[part][name]]


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values; None where there are none, NaN where one is NaN or, read from JSON, null."""
    return float(np.mean(np.array(values, float))) if len(values) else None


def banded(values: Sequence[float | None], angles: Sequence[float]) -> dict[str, float | None]:
    """Return the mean over all views and over those of each band; None where a band has no view."""
    value, angle = np.array(values, float), np.asarray(angles)
    table = {"all": mean(values)}
    for name, (low, high) in BANDS.items():
        table[name] = mean(value[(angle >= low) & (angle < high)].tolist())
    return table
