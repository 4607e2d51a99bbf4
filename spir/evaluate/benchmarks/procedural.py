"""§4, novel views of procedural objects never trained on: one input picture, one other view as target."""

from dataclasses import dataclass, replace

import torch

from spir.categories import CATEGORIES, Category
from spir.data.procedural.cameras import bounding_corners, sample_poses
from spir.evaluate.benchmarks.novel_views import PHOTO_SIZE, TARGET_SIZE, photo_of, score_views
from spir.evaluate.items import Record
from spir.formulas import FORMULAS
from spir.formulas.car_field import CarField
from spir.geometry.pose import camera_from_pose
from spir.pipeline import Reconstructor
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Camera, Photo, Pose, Rendering

FIRST_SEED = 20_000_000
"""The first seed, far from any seed that training uses."""
SAMPLES, GRID = 24, 64
"""Samples per ray and grid of the true pictures, higher as the formulas have sharper surfaces than the networks."""


@dataclass(frozen=True)
class ProceduralSubject:
    """One object, given by its number; everything else follows from the number."""

    category: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.category}-{self.number:03d}"


@dataclass(frozen=True)
class ProceduralScene:
    """The true object, the input picture, and the target view."""

    field: CarField
    pose: Pose
    picture: Rendering
    photo: Photo
    target_camera: Camera
    target: Rendering


@torch.no_grad()
def scene(subject: ProceduralSubject, category: Category) -> ProceduralScene:
    """Photograph the subject twice from random cameras, deterministically; grey background."""
    recipe = FORMULAS[CATEGORIES[subject.category].kind]
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
    return ProceduralScene(field, pose, picture, photo_of(picture), target_camera, target)


def score_subject(reconstructor: Reconstructor, subject: ProceduralSubject, steps: tuple[int, ...]) -> Record:
    """Score novel view, rotation and silhouette after each N."""
    true = scene(subject, reconstructor.category)
    return score_views(reconstructor, true.photo, true.pose, true.target_camera, true.target, steps)
