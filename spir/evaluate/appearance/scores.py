"""How near views are to the truth, and what that comes to by how far the camera went from the photo's."""

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
"""Degrees between the photo's direction of view and the target's: seen, partly seen, the other side."""
LOOKS = {"textured": "", "rendering": "rendering_"}
"""The two ways of seeing a fit, and how the summary's keys begin."""


def view_scores(seen: Rendering, target: Rendering) -> Record:
    """PSNR and SSIM of whole pictures, sharpness relative to the truth's, the judge's distance; a number a view."""
    either = ((seen.alpha > 0.5) | (target.alpha > 0.5)).float()
    return {
        "psnr": psnr(seen.rgb, target.rgb).tolist(),
        "ssim": ssim(seen.rgb, target.rgb).tolist(),
        "sharpness": relative_sharpness(seen, target).tolist(),
        "distance": judge().distance(seen.rgb, target.rgb, either).tolist(),
    }


def relative_sharpness(seen: Rendering, target: Rendering) -> Float[Tensor, " batch"]:
    """Sharpness within each one's own silhouette; 1 = as sharp as the truth."""
    return sharpness(seen.rgb, seen.alpha) / sharpness(target.rgb, target.alpha).clamp(min=1e-6)


def angles_deg(first: Camera, others: Camera) -> list[float]:
    """The angle at the object between a camera's direction of view (batch of 1) and those of others."""
    ahead = [torch.nn.functional.normalize(one.cam2world[:, :3, 2], dim=-1) for one in (first, others)]
    return torch.rad2deg(torch.acos((ahead[0] * ahead[1]).sum(-1).clamp(-1, 1))).tolist()


def banded(values: Sequence[float], angles: Sequence[float]) -> dict[str, float | None]:
    """The mean over all views and over those of each band; none where a band has no view."""
    value, angle = np.asarray(values), np.asarray(angles)
    table = {"all": mean(values)}
    for name, (low, high) in BANDS.items():
        table[name] = mean(value[(angle >= low) & (angle < high)].tolist())
    return table


def mean(values: Sequence[float]) -> float | None:
    """None where there is nothing."""
    return float(np.mean(values)) if len(values) else None


def pooled(records: Sequence[Record], look: str, name: str) -> list[float]:
    """One metric of one look, all views of all items."""
    return [value for record in records for value in record[look][name]]


def view_summary(records: Sequence[Record], names: Sequence[str]) -> Record:
    """Means over all views for both looks, the keys of the second beginning with "rendering_"."""
    return {
        f"{start}{name}": mean(pooled(records, look, name)) for name in names for look, start in LOOKS.items()
    }


def both(textured: Rendering, rendering: Rendering, target: Rendering) -> Mapping[str, Record]:
    """`view_scores` of the two looks, by their names."""
    return {"textured": view_scores(textured, target), "rendering": view_scores(rendering, target)}
