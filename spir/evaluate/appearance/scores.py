"""Compares views with the truth, grouped by how far the camera is from the photo's."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from spir.evaluate.items import Record
from spir.evaluate.judge import judge
from spir.metrics.images import psnr, sharpness, ssim
from spir.types import Camera, Rendering

BANDS = {"0-30": (0.0, 30.0), "30-90": (30.0, 90.0), "90-180": (90.0, 180.1)}
"""Angles in degrees between the photo's direction of view and the target's: seen, partly seen, the other side."""
LOOKS = {"textured": "", "rendering": "rendering_"}
"""The two ways of showing a fit, and the prefix of each one's keys in the summary."""


def view_scores(seen: Rendering, target: Rendering) -> Record:
    """Score PSNR and SSIM of whole pictures, sharpness relative to the truth's, and the judge's distance; one number per view."""
    either = ((seen.alpha > 0.5) | (target.alpha > 0.5)).float()
    return {
        "psnr": psnr(seen.rgb, target.rgb).tolist(),
        "ssim": ssim(seen.rgb, target.rgb).tolist(),
        "sharpness": relative_sharpness(seen, target).tolist(),
        "distance": judge().distance(seen.rgb, target.rgb, either).tolist(),
    }


def relative_sharpness(seen: Rendering, target: Rendering) -> Float[Tensor, " batch"]:
    """Return the ratio of sharpness, each within its own silhouette; 1 = as sharp as the truth."""
    return sharpness(seen.rgb, seen.alpha) / sharpness(target.rgb, target.alpha).clamp(min=1e-6)


def angles_deg(first: Camera, others: Camera) -> list[float]:
    """Return the angles at the object between a camera's direction of view (batch of 1) and those of others."""
    ahead = [torch.nn.functional.normalize(one.cam2world[:, :3, 2], dim=-1) for one in (first, others)]
    return torch.rad2deg(torch.acos((ahead[0] * ahead[1]).sum(-1).clamp(-1, 1))).tolist()


def banded(values: Sequence[float], angles: Sequence[float]) -> dict[str, float | None]:
    """Return the mean over all views and over those of each band; None where a band has no view."""
    value, angle = np.asarray(values), np.asarray(angles)
    table = {"all": mean(values)}
    for name, (low, high) in BANDS.items():
        table[name] = mean(value[(angle >= low) & (angle < high)].tolist())
    return table


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of the values; None where there are none."""
    return float(np.mean(values)) if len(values) else None


def pooled(records: Sequence[Record], look: str, name: str) -> list[float]:
    """Return one metric of one look over all views of all items."""
    return [value for record in records for value in record[look][name]]


def view_summary(records: Sequence[Record], names: Sequence[str]) -> Record:
    """Return the means over all views for both looks, the keys of the second beginning with "rendering_"."""
    return {
        f"{start}{name}": mean(pooled(records, look, name)) for name in names for look, start in LOOKS.items()
    }


def both(textured: Rendering, rendering: Rendering, target: Rendering) -> Mapping[str, Record]:
    """Return the `view_scores` of the two looks by their names."""
    return {"textured": view_scores(textured, target), "rendering": view_scores(rendering, target)}
