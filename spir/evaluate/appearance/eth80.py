"""Textured objects on real photos: a toy car of ETH-80 from one photo, compared with its other photos.

Pose, size and position are aligned as in `spir.evaluate.benchmarks.eth80_views`, so that only shape and colours count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional as F

from spir.bootstrap.framing import fit_to_mask
from spir.evaluate.appearance.scores import both, view_summary
from spir.evaluate.appearance.textured import enlarged_views, surface_views, textured
from spir.evaluate.benchmarks.eth80 import View, views
from spir.evaluate.benchmarks.eth80_views import INPUT_POLAR_DEG, PASSES
from spir.evaluate.benchmarks.eth80_views import SIZE as OUTLINE_SIZE
from spir.evaluate.items import Record, finished
from spir.evaluate.runs import view
from spir.evaluate.scores import angles_deg, true_view
from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import conjugate, multiply
from spir.photo import read_mask, read_photo
from spir.photo.cutout import cutout
from spir.pipeline import Reconstructor
from spir.types import Code, Cutout, Pose, join

SIZE = 192
"""Side of the compared pictures in pixels; the data set's own have 256 with a margin."""
GIVEN = (1, 4, 6, 3, 0)
"""Which of the eight photos from slightly above is the input, toy by toy, so that every side occurs."""
OTHERS, APART = 7, 4
"""The number of target photos, and the distance between them in the order of the files."""
NAMES = ("distance", "sharpness")


@dataclass(frozen=True)
class Toy:
    """The input photo of a toy and its target photos."""

    given: View
    others: tuple[View, ...]

    @property
    def name(self) -> str:
        return self.given.name


def toys(folder: Path) -> list[Toy]:
    """Return one input photo of each car. Higher views than the input's are left out, as they show only the roof."""
    low = [seen for seen in views(folder) if seen.polar_deg >= INPUT_POLAR_DEG]
    found = []
    for number, car in enumerate(sorted({seen.car for seen in low})):
        mine = [seen for seen in low if seen.car == car]
        inputs = [seen for seen in mine if seen.polar_deg == INPUT_POLAR_DEG]
        if len(mine) < 2 or not inputs:
            continue
        given = inputs[GIVEN[number % len(GIVEN)] % len(inputs)]
        others = [seen for seen in mine if seen is not given]
        start = number % min(2, len(others))
        found.append(Toy(given, tuple(others[start::APART][:OTHERS])))
    return found


@torch.no_grad()
def score_toy(reconstructor: Reconstructor, toy: Toy) -> Record:
    """Score both looks against every other photo; lists have one number per photo."""
    photo = read_photo(toy.given.picture)
    found = textured(reconstructor, photo, read_mask(toy.given.mask, photo))
    # Object axes of the fit to those of the data set, then to the other camera.
    turn = multiply(conjugate(toy.given.rotation), found.step.pose.quaternion)
    targets = [target(reconstructor, seen) for seen in toy.others]
    poses = [
        aligned(
            reconstructor,
            found.step.code,
            replace(found.step.pose, quaternion=multiply(seen.rotation, turn)),
            one,
        )
        for seen, one in zip(toy.others, targets, strict=True)
    ]
    cameras = camera_from_pose(join(poses))
    truth = join([true_view(one) for one in targets])
    return {
        "car": toy.given.car,
        "angle_deg": angles_deg(camera_from_pose(found.step.pose), cameras),
        **both(
            surface_views(found.appearance, cameras, SIZE, reconstructor.category.background),
            enlarged_views(reconstructor, found.step.code, cameras, SIZE),
            truth,
        ),
        "seconds": found.seconds,
    }


def target(reconstructor: Reconstructor, seen: View) -> Cutout:
    """Crop another photo of the toy at the size of comparison."""
    photo = read_photo(seen.picture)
    return cutout(photo, read_mask(seen.mask, photo), reconstructor.category, size=SIZE)


def aligned(reconstructor: Reconstructor, code: Code, pose: Pose, cut: Cutout) -> Pose:
    """Return the pose with size and position taken from the target's silhouette."""
    mask = F.interpolate(cut.mask[:, None], (OUTLINE_SIZE, OUTLINE_SIZE), mode="area")[:, 0]
    for _ in range(PASSES):
        pose = fit_to_mask(pose, view(reconstructor, code, camera_from_pose(pose), OUTLINE_SIZE).alpha, mask)
    return pose


def summary(records: Sequence[Record]) -> Record:
    """Return the means over all photos of all toys; empty where nothing finished."""
    done = finished(records)
    return view_summary(done, NAMES) if done else {}
