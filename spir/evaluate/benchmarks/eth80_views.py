"""§5, novel views on real photos: a toy car of ETH-80 from one photo, compared with its other photos.

The data set has its own scale and centre, and the error of the estimated pose is scored elsewhere: here the fit
is rotated so that its own photo is seen from the true camera, and size and position are taken from each target's
silhouette. What remains is the error of the shape.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from spir.bootstrap.framing import fit_to_mask
from spir.evaluate.benchmarks.eth80 import View, cut_out, views
from spir.evaluate.items import Record, finished
from spir.evaluate.runs import run, view
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import conjugate, multiply
from spir.metrics.images import iou
from spir.pipeline import Reconstructor
from spir.types import Code, Pose

INPUT_POLAR_DEG = 66.0
"""Polar angle in degrees of the input photos: slightly from above, eight around each car, of which every second is used."""
SIZE = 64
"""Side of the compared silhouettes in pixels."""
PASSES = 2
"""Rounds of aligning size and position, which depend on each other under perspective."""


def inputs(folder: Path) -> list[View]:
    """Return four input views of each car."""
    high = [seen for seen in views(folder) if seen.polar_deg == INPUT_POLAR_DEG]
    return [
        seen for car in sorted({seen.car for seen in high}) for seen in [s for s in high if s.car == car][::2]
    ]


@torch.no_grad()
def score_input(reconstructor: Reconstructor, given: View, folder: Path, steps: Sequence[int]) -> Record:
    """Score the mean IoU over all other views of the same car after each N."""
    done = run(reconstructor, cut_out(reconstructor, given), steps)
    others = [seen for seen in views(folder) if seen.car == given.car and seen.name != given.name]
    masks = torch.cat([cut_out(reconstructor, seen).mask for seen in others])
    targets = F.interpolate(masks[:, None], (SIZE, SIZE), mode="area")[:, 0]
    record: Record = {"car": given.car}
    for count, step in done.steps.items():
        # Object axes of the fit to those of the data set, then to the other camera.
        turn = multiply(conjugate(given.rotation), step.pose.quaternion)
        found = []
        for seen, target in zip(others, targets, strict=True):
            pose = replace(step.pose, quaternion=multiply(seen.rotation, turn))
            found.append(aligned_iou(reconstructor, step.code, pose, target[None]))
        record[str(count)] = float(np.mean(found))
    return record


def aligned_iou(
    reconstructor: Reconstructor, code: Code, pose: Pose, target: Float[Tensor, "1 size size"]
) -> float:
    """Return the IoU of the silhouettes after size and position are aligned."""
    for _ in range(PASSES):
        alpha = view(reconstructor, code, camera_from_pose(pose), SIZE).alpha
        pose = fit_to_mask(pose, alpha, target)
    return iou(view(reconstructor, code, camera_from_pose(pose), SIZE).alpha, target).item()


def summary(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Return the mean IoU after each N, and per car after the last."""
    done = finished(records)
    if not done:
        return {}
    last = str(max(steps))
    cars = sorted({record["car"] for record in done})
    return {
        "inputs": len(done),
        "iou": {str(count): float(np.mean([record[str(count)] for record in done])) for count in steps},
        "per_car": {car: float(np.mean([r[last] for r in done if r["car"] == car])) for car in cars},
    }
