"""§4, novel views with a known truth, the paper's protocol on SRN cars: one input picture, other views as targets.

The pose of the input is estimated; the target cameras are the true ones, in the canonical frame, so that a
wrong pose or size shows as a wrong picture.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from spir.evaluate.items import Record, finished
from spir.evaluate.runs import run, view
from spir.evaluate.scores import angles_deg, banded, judged, pooled
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import geodesic_deg
from spir.metrics.images import FLIP_DEG, azimuth_error_deg, iou, psnr, ssim
from spir.pipeline import Reconstructor
from spir.types import Camera, Code, Photo, Pose, Rendering, join

PHOTO_SIZE = 192
"""Side of the input picture in pixels: more than the networks see, so that the crop is a real one."""
TARGET_SIZE = 128
BY_ANGLE = ("judge", "psnr")
"""The metrics that are kept for every view, and reported by its angle to the photo's."""


def photo_of(picture: Rendering) -> Photo:
    """Return the first picture of a batch as a user's upload with an alpha channel."""
    return Photo(to_bytes((picture.rgb[0] + 1) / 2), to_bytes(picture.alpha[0]))


def to_bytes(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Convert [0, 1] to uint8."""
    return (values * 255).round().clamp(0, 255).to(torch.uint8)


@torch.no_grad()
def score_views(
    reconstructor: Reconstructor,
    photo: Photo,
    pose: Pose,
    cameras: Camera,
    targets: Rendering,
    steps: Sequence[int],
) -> Record:
    """Score novel views, rotation and the input's silhouette after each N, and the views' angles to the photo's.

    `pose` is the true one of the photo, a batch of 1; `cameras` and `targets` are aligned."""
    cut = reconstructor.cut(photo)
    done = run(reconstructor, cut, steps)
    record: Record = {
        "outcome": done.guess.outcome[0],
        "angle_deg": angles_deg(camera_from_pose(pose), cameras),
    }
    for count, step in done.steps.items():
        seen = view(reconstructor, step.code, camera_from_pose(step.pose), cut.mask.shape[1])
        quaternion = step.pose.quaternion
        record[str(count)] = {
            **novel_scores(reconstructor, step.code, cameras, targets),
            "rotation_deg": geodesic_deg(quaternion, pose.quaternion).item(),
            "azimuth_deg": azimuth_error_deg(quaternion, pose.quaternion).item(),
            "iou": iou(seen.alpha, cut.mask).item(),
            "seconds": done.seconds[count],
        }
    return record


def novel_scores(reconstructor: Reconstructor, code: Code, cameras: Camera, targets: Rendering) -> Record:
    """Return PSNR, SSIM, the judge's distance and IoU of silhouettes, each the mean over the cameras; "views" has
    the single numbers of `BY_ANGLE`."""
    size = targets.rgb.shape[1]
    rows = range(len(cameras.cam2world))
    novel = join([view(reconstructor, code, cameras[row : row + 1], size) for row in rows])
    scores = {
        "judge": judged(novel, targets),
        "psnr": psnr(novel.rgb, targets.rgb),
        "ssim": ssim(novel.rgb, targets.rgb),
        "novel_iou": iou(novel.alpha, targets.alpha),
    }
    return {
        **{name: values.mean().item() for name, values in scores.items()},
        "views": {name: scores[name].tolist() for name in BY_ANGLE},
    }


def summary(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Return the means and the median rotation error for every N, and "by_angle" the means over all views of all
    items in each band of angles; empty where nothing finished."""
    done = finished(records)
    if not done:
        return {}
    angles = [angle for record in done for angle in record["angle_deg"]]
    table = {}
    for count in map(str, steps):
        rows = [record[count] for record in done]
        # What was not judged is NaN, or null where it was read again from an interrupted run.
        column = {name: np.array([row[name] for row in rows], float) for name in rows[0] if name != "views"}
        table[count] = {
            "judge": float(column["judge"].mean()),
            "psnr": float(column["psnr"].mean()),
            "ssim": float(column["ssim"].mean()),
            "novel_iou": float(column["novel_iou"].mean()),
            "median_deg": float(np.median(column["rotation_deg"])),
            "flips": float((column["azimuth_deg"] > FLIP_DEG).mean()),
            "iou": float(column["iou"].mean()),
            "seconds": float(np.median(column["seconds"])),
            "by_angle": {name: banded(pooled(rows, "views", name), angles) for name in BY_ANGLE},
        }
    return table
