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
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import geodesic_deg
from spir.metrics.images import FLIP_DEG, azimuth_error_deg, iou, psnr, ssim
from spir.pipeline import Reconstructor
from spir.types import Camera, Code, Photo, Pose, Rendering

PHOTO_SIZE = 192
"""Side of the input picture in pixels: more than the networks see, so that the crop is a real one."""
TARGET_SIZE = 128


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
    """Score novel views (means over the cameras), rotation and the input's silhouette after each N.

    `pose` is the true one of the photo, a batch of 1; `cameras` and `targets` are aligned."""
    cut = reconstructor.cut(photo)
    done = run(reconstructor, cut, steps)
    record: Record = {"outcome": done.guess.outcome[0]}
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
    """Return PSNR, SSIM and IoU of silhouettes, each the mean over the cameras."""
    size = targets.rgb.shape[1]
    rows = range(len(cameras.cam2world))
    novel = [view(reconstructor, code, cameras[row : row + 1], size) for row in rows]
    rgb, alpha = torch.cat([one.rgb for one in novel]), torch.cat([one.alpha for one in novel])
    return {
        "psnr": psnr(rgb, targets.rgb).mean().item(),
        "ssim": ssim(rgb, targets.rgb).mean().item(),
        "novel_iou": iou(alpha, targets.alpha).mean().item(),
    }


def summary(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Return the means of PSNR, SSIM and IoU and the median rotation error for every N; empty where nothing finished."""
    done = finished(records)
    if not done:
        return {}
    table = {}
    for count in map(str, steps):
        column = {name: np.array([record[count][name] for record in done]) for name in done[0][count]}
        table[count] = {
            "psnr": float(column["psnr"].mean()),
            "ssim": float(column["ssim"].mean()),
            "novel_iou": float(column["novel_iou"].mean()),
            "median_deg": float(np.median(column["rotation_deg"])),
            "flips": float((column["azimuth_deg"] > FLIP_DEG).mean()),
            "iou": float(column["iou"].mean()),
            "seconds": float(np.median(column["seconds"])),
        }
    return table
