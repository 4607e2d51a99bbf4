"""Write down for run.json everything that tells one run from another (§4 "Experimental setting")."""

import math
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor

from spir.appearance.config import AppearanceConfig
from spir.geometry.rotation import view_from_rotation
from spir.pipeline import Reconstructor
from spir.runtime import code_version
from spir.session.session import Session
from spir.types import Pose

PACKAGES = ("spir", "torch", "numpy", "opencv-python-headless", "scikit-image", "pillow")


def run_record(
    engine: Reconstructor,
    session: Session,
    notes: dict | None = None,
    appearance: AppearanceConfig | None = None,
) -> dict:
    """Return the dictionary of run.json for a session with a result: JSON values only, no infinities. `notes`
    is included unchanged.

    `appearance` is the configuration of the texture, where the session does not have it."""
    fit, trajectory = session.fit, session.fitted.trajectory
    steps = []
    for step, metrics in zip(fit.trajectory, trajectory.metrics, strict=True):
        entry = {"step": step.index, "loss": plain(step.loss[0]), "seconds": plain(step.seconds)}
        steps.append(entry | {name: plain(value) for name, value in metrics.items()})
    if appearance is None and session.textured is not None:
        appearance = session.textured.config
    return {
        "category": fit.category,
        "weights": engine.weights_hash,
        "code": code_version(),
        "versions": versions(),
        "device": engine.device,
        "loss_backend": engine.loss_backend,
        "segmenter": session.segmenter,
        "mask_edited": session.mask_edited,
        "seed": trajectory.segments[0].config.seed,
        "inversion": [
            {"first_step": segment.first_step, **asdict(segment.config)} for segment in trajectory.segments
        ],
        "appearance": appearance and asdict(appearance),
        "pose_outcome": session.first_guess.outcome[0].value,
        "steps": max((step.index for step in fit.trajectory), default=0),
        "seconds": steps[-1]["seconds"] if steps else None,
        "trajectory": steps,
        "pose": readable_pose(fit.pose),
        "notes": notes or {},
    }


def readable_pose(pose: Pose) -> dict:
    """Return the first pose of the batch in degrees and picture widths."""
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
    """Return a number with six significant digits for JSON; None where it is not finite."""
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package that affects the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
