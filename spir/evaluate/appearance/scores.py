"""Compares the two ways of showing a fit, view by view, with the truth."""

from collections.abc import Mapping, Sequence

from spir.evaluate.items import Record
from spir.evaluate.scores import judged, mean, pooled, relative_sharpness
from spir.metrics.images import psnr, ssim
from spir.types import Rendering

LOOKS = {"textured": "", "rendering": "rendering_"}
"""The two ways of showing a fit, and the prefix of each one's keys in the summary."""


def view_scores(seen: Rendering, target: Rendering) -> Record:
    """Score PSNR and SSIM of whole pictures, sharpness relative to the truth's, and the judge's distance; one number per view."""
    return {
        "psnr": psnr(seen.rgb, target.rgb).tolist(),
        "ssim": ssim(seen.rgb, target.rgb).tolist(),
        "sharpness": relative_sharpness(seen, target).tolist(),
        "distance": judged(seen, target).tolist(),
    }


def view_summary(records: Sequence[Record], names: Sequence[str]) -> Record:
    """Return the means over all views for both looks, the keys of the second beginning with "rendering_"."""
    return {
        f"{start}{name}": mean(pooled(records, look, name)) for name in names for look, start in LOOKS.items()
    }


def both(textured: Rendering, rendering: Rendering, target: Rendering) -> Mapping[str, Record]:
    """Return the `view_scores` of the two looks by their names."""
    return {"textured": view_scores(textured, target), "rendering": view_scores(rendering, target)}
