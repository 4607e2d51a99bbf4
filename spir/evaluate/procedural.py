"""§4, novel views with a known truth: procedural objects never trained on, one picture in, another view out.

The protocol of the paper on SRN cars: the pose of the input is estimated; the target camera is the true one,
in the canonical frame, so that a wrong pose or size shows as a wrong picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from spir.categories import Category
from spir.data.cameras import bounding_corners, sample_poses
from spir.data.procedural import PROCEDURAL
from spir.evaluate.items import Record, finished
from spir.evaluate.metrics import azimuth_error_deg, ssim
from spir.evaluate.runs import run, view
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import geodesic_deg
from spir.outputs.agreement import iou, psnr
from spir.pipeline import Reconstructor
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Camera, Field, Photo, Pose, Rendering

FIRST_SEED = 20_000_000
"""Far from any seed that training uses."""
PHOTO_SIZE = 192
"""Pixels of the input picture, more than the networks see, so that the crop is a real one."""
TARGET_SIZE = 128
SAMPLES, GRID = 24, 64
"""Of the true pictures: the formulas have sharper surfaces than the networks."""


@dataclass(frozen=True)
class Subject:
    """One object by its number; everything else follows from it."""

    category: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.category}-{self.number:03d}"


@dataclass(frozen=True)
class Scene:
    """The true object, the picture that goes in, and the view that must come out."""

    field: Field
    pose: Pose
    picture: Rendering
    photo: Photo
    target_camera: Camera
    target: Rendering


@torch.no_grad()
def scene(subject: Subject, category: Category) -> Scene:
    """The subject photographed twice at random, always the same way; grey background."""
    recipe = PROCEDURAL[subject.category]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(FIRST_SEED + subject.number)
        field = recipe.field(torch.randn(1, recipe.z_dim))
        corners = bounding_corners(field)
        pose, other = sample_poses(1, corners), sample_poses(1, corners)
    config = RenderConfig(
        size=PHOTO_SIZE, samples=SAMPLES, grid=GRID, background=category.background, attention=True
    )
    picture = render(field, camera_from_pose(pose), config)
    target_camera = camera_from_pose(other)
    target = render(field, target_camera, replace(config, size=TARGET_SIZE, attention=False))
    photo = Photo(to_bytes((picture.rgb[0] + 1) / 2), to_bytes(picture.alpha[0]))
    return Scene(field, pose, picture, photo, target_camera, target)


def to_bytes(values: Float[Tensor, "*shape"]) -> Tensor:
    """[0, 1] to uint8."""
    return (values * 255).round().clamp(0, 255).to(torch.uint8)


@torch.no_grad()
def score_subject(reconstructor: Reconstructor, subject: Subject, steps: tuple[int, ...]) -> Record:
    """Novel view, rotation and silhouette after each N."""
    true = scene(subject, reconstructor.category)
    cut = reconstructor.cut(true.photo)
    done = run(reconstructor, cut, steps)
    record: Record = {"outcome": done.guess.outcome[0]}
    for count, step in done.steps.items():
        novel = view(reconstructor, step.code, true.target_camera, TARGET_SIZE)
        seen = view(reconstructor, step.code, camera_from_pose(step.pose), cut.mask.shape[1])
        quaternion = step.pose.quaternion
        record[str(count)] = {
            "psnr": psnr(novel.rgb, true.target.rgb).item(),
            "ssim": ssim(novel.rgb, true.target.rgb).item(),
            "rotation_deg": geodesic_deg(quaternion, true.pose.quaternion).item(),
            "azimuth_deg": azimuth_error_deg(quaternion, true.pose.quaternion).item(),
            "iou": iou(seen.alpha, cut.mask).item(),
            "seconds": done.seconds[count],
        }
    return record


def summary(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Means of PSNR, SSIM and IoU, median rotation error, for every N."""
    done = finished(records)
    if not done:
        return {}
    table = {}
    for count in map(str, steps):
        column = {name: np.array([record[count][name] for record in done]) for name in done[0][count]}
        table[count] = {
            "psnr": float(column["psnr"].mean()),
            "ssim": float(column["ssim"].mean()),
            "median_deg": float(np.median(column["rotation_deg"])),
            "flips": float((column["azimuth_deg"] > 135).mean()),
            "iou": float(column["iou"].mean()),
            "seconds": float(np.median(column["seconds"])),
        }
    return table
