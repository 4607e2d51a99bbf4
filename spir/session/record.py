"""§4 "Experimental setting", what was run: everything that tells one run from another, for run.json."""

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
    """The dictionary of run.json for a session with a result: JSON only, no infinities; `notes` goes in as it stands.

    `appearance` is how its surface was textured, where the session does not know."""
    fit, trajectory = session.fit, session.result.trajectory
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
        "pose_outcome": session.guess.outcome[0].value,
        "steps": max((step.index for step in fit.trajectory), default=0),
        "seconds": steps[-1]["seconds"] if steps else None,
        "trajectory": steps,
        "pose": readable_pose(fit.pose),
        "notes": notes or {},
    }


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
