"""§4 "Experimental setting", what was run: everything that tells one run from another, for run.json."""

import math
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor

from spir.geometry.rotation import view_from_rotation
from spir.inversion.config import HYBRID_FAST
from spir.pipeline import Reconstructor
from spir.types import Fit, Pose

PACKAGES = ("spir", "torch", "numpy", "opencv-python-headless", "scikit-image", "pillow")


def run_record(
    fit: Fit,
    *,
    weights_hash: str,
    device: str,
    loss_backend: str,
    segmenter: str,
    seed: int,
    metrics: Sequence[dict] = (),
    outcome: str = "",
    notes: dict | None = None,
) -> dict:
    """A dictionary for JSON: no tensors, no infinities.

    `metrics` holds one dictionary a step, such as {"iou": .., "psnr": ..}; `outcome` is that of the first
    pose guess; `notes` goes in as it stands."""
    steps = []
    for number, step in enumerate(fit.trajectory):
        entry = {"step": step.index, "loss": plain(step.loss[0]), "seconds": plain(step.seconds)}
        if number < len(metrics):
            entry.update({name: plain(value) for name, value in metrics[number].items()})
        steps.append(entry)
    return {
        "category": fit.category,
        "weights": weights_hash,
        "versions": versions(),
        "device": device,
        "loss_backend": loss_backend,
        "segmenter": segmenter,
        "seed": seed,
        "pose_outcome": outcome,
        "steps": max((step.index for step in fit.trajectory), default=0),
        "seconds": steps[-1]["seconds"] if steps else None,
        "trajectory": steps,
        "pose": readable_pose(fit.pose),
        "notes": notes or {},
    }


def fit_record(
    engine: Reconstructor,
    fit: Fit,
    *,
    segmenter: str,
    metrics: Sequence[dict],
    outcome: str,
    seed: int = HYBRID_FAST.seed,
    notes: dict | None = None,
) -> dict:
    """run.json of a fit that this engine made; the other arguments are those of `run_record`."""
    return run_record(
        fit,
        weights_hash=engine.weights_hash,
        device=engine.device,
        loss_backend=engine.loss_backend,
        segmenter=segmenter,
        seed=seed,
        metrics=metrics,
        outcome=outcome,
        notes=notes,
    )


def readable_pose(pose: Pose) -> dict:
    """The first pose in degrees and picture widths, as a person would say it."""
    azimuth, elevation, roll = view_from_rotation(pose.quaternion[:1])
    x, y = pose.shift[0].tolist()
    return {
        "azimuth_deg": plain(azimuth[0]),
        "elevation_deg": plain(elevation[0]),
        "roll_deg": plain(roll[0]),
        "focal_widths": None if pose.z0 is None else plain((1 + torch.exp(pose.z0[0])) / 2),
        "scale": plain(pose.scale[0]),
        "shift": [plain(x), plain(y)],
    }


def plain(value: float | int | Tensor) -> float | None:
    """A number that JSON has a word for, six digits of it."""
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None


def versions() -> dict[str, str]:
    """Of Python and of every package that touches the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
