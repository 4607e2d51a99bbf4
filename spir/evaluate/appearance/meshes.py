"""Textured objects on unseen shapes: one input photo, twelve target views around the object from their true cameras."""

from collections.abc import Sequence
from pathlib import Path

from spir.data.meshes.read import MeshFile
from spir.evaluate.appearance.scores import both, view_summary
from spir.evaluate.appearance.textured import enlarged_views, surface_views, textured
from spir.evaluate.benchmarks.meshes import MeshScene, MeshSubject, scene
from spir.evaluate.items import Record, finished
from spir.evaluate.scores import angles_deg, banded, pooled
from spir.geometry.pose import camera_from_pose
from spir.pipeline import Reconstructor

PHOTO_SIZE, TARGET_SIZE = 512, 256
EVERY = 2
"""Every second one of the usual target cameras is used."""
NAMES = ("psnr", "ssim", "sharpness")


def subjects(files: Sequence[MeshFile]) -> list[MeshSubject]:
    """Return the first photo of each shape."""
    return [MeshSubject(file, 0) for file in files]


def true_scene(reconstructor: Reconstructor, subject: MeshSubject, root: Path) -> MeshScene:
    """Return the photo and its targets at the sizes of this evaluation."""
    return scene(root, subject, reconstructor.category, PHOTO_SIZE, TARGET_SIZE, EVERY)


def score_mesh(reconstructor: Reconstructor, subject: MeshSubject, root: Path) -> Record:
    """Score both looks from every target camera; lists have one number per view. The pose is the estimated one."""
    true = true_scene(reconstructor, subject, root)
    found = textured(reconstructor, true.photo, reconstructor.segment(true.photo).mask)
    cameras, size, background = (
        true.target_cameras,
        true.targets.rgb.shape[1],
        reconstructor.category.background,
    )
    return {
        "angle_deg": angles_deg(camera_from_pose(true.pose), cameras),
        **both(
            surface_views(found.appearance, cameras, size, background),
            enlarged_views(reconstructor, found.step.code, cameras, size),
            true.targets,
        ),
        "seconds": found.seconds,
    }


def summary(records: Sequence[Record]) -> Record:
    """Return the means over all views of all shapes, distances also per band; empty where nothing finished."""
    done = finished(records)
    if not done:
        return {}
    angles = [angle for record in done for angle in record["angle_deg"]]
    return {
        **view_summary(done, NAMES),
        "distance": banded(pooled(done, "textured", "distance"), angles),
        "rendering_distance": banded(pooled(done, "rendering", "distance"), angles),
    }
