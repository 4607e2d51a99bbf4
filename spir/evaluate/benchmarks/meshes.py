"""§4, novel views of shapes that others modelled, unlike any training data: one input photo, 24 target views."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from spir.categories import Category
from spir.data.meshes.paint import repaint
from spir.data.meshes.read import MeshFile, PaintedMesh, box_corners, read_mesh
from spir.data.meshes.render import Light, random_light, render_mesh
from spir.data.meshes.table import mesh_files
from spir.data.procedural.cameras import sample_poses
from spir.evaluate.benchmarks.novel_views import PHOTO_SIZE, TARGET_SIZE, photo_of, score_views, summary
from spir.evaluate.items import Record, finished
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.geometry.rotation import view_from_rotation
from spir.pipeline import Reconstructor
from spir.types import Camera, Photo, Pose, Rendering

GAZEBO = {"hatchback/meshes/hatchback.obj": "-y", "prius_hybrid/meshes/Hybrid.obj": "-y",
          "suv/meshes/suv.obj": "+y", "pickup/meshes/pickup.dae": "+y"}  # fmt: skip
QUATERNIUS = "Cop Cop_SUV NormalCar1 NormalCar2 SUV SportsCar SportsCar2 Taxi".split()
TEST_CARS = (
    *(MeshFile(f"gazebo/{path}", up="+z", front=front) for path, front in GAZEBO.items()),
    *(
        MeshFile(f"quaternius_glb/Realistic_Car_Pack_Nov_2018__{name}.glb", up="+z", front="+y")
        for name in QUATERNIUS
    ),
)
"""Paths relative to the folder of meshes. They are never used in training: `spir.train.encoder.mesh_views` lists
those that are."""
PHOTOS = 4
"""The number of photos of each car, each with its own paint and light."""
EYE_LEVEL_DEG = 25.0
AZIMUTHS, ELEVATIONS_DEG = 12, (10.0, 30.0)
TARGET_FOCAL, TARGET_SCALE = 2.5, 0.8
"""The focal length (picture widths) and scale of the target cameras: any car is fully inside the picture."""
FILLED = 0.95
"""The fraction of the half picture filled by a shape wider than any car, whose cameras are further away."""


@dataclass(frozen=True)
class MeshSubject:
    """One photo of one shape, given by its number; everything else follows from the number."""

    file: MeshFile
    number: int

    @property
    def name(self) -> str:
        return f"{self.file.name}-{self.number}"

    @property
    def seed(self) -> int:
        return zlib.crc32(self.name.encode())


@dataclass(frozen=True)
class MeshShot:
    """A shape in its paint and light, and its photo."""

    mesh: PaintedMesh
    light: Light
    pose: Pose
    picture: Rendering


@dataclass(frozen=True)
class MeshScene:
    """The input photo and the target views."""

    pose: Pose
    photo: Photo
    target_cameras: Camera
    targets: Rendering


def files_of(root: Path, kind: str) -> list[MeshFile]:
    """Return the test shapes of a folder: the test cars where it holds some and cars are asked for, else those of its table.

    Raises MeshError where there are none."""
    tested = {"car": TEST_CARS}.get(kind, ())
    if any((root / file.path).is_file() for file in tested):
        return list(tested)
    return mesh_files(root, kind)


def subjects(files: Sequence[MeshFile]) -> list[MeshSubject]:
    """Return every shape `PHOTOS` times."""
    return [MeshSubject(file, number) for file in files for number in range(PHOTOS)]


def target_cameras(reach: float = 1.0) -> Camera:
    """Return a ring of cameras at each elevation, with one focal length and distance; `reach` is the shape's
    largest distance from the origin, in object units."""
    azimuth = (torch.arange(AZIMUTHS) * 360.0 / AZIMUTHS).repeat(len(ELEVATIONS_DEG))
    elevation = torch.tensor(ELEVATIONS_DEG).repeat_interleave(AZIMUTHS)
    focal = torch.full_like(azimuth, TARGET_FOCAL)
    scale = torch.full_like(azimuth, min(TARGET_SCALE, FILLED / reach))
    return camera_from_pose(look_at_pose(azimuth, elevation, focal=focal, scale=scale))


def eye_level_pose(corners: Float[Tensor, "1 corner 3"], draws: int = 32) -> Pose:
    """Return the first of `draws` random poses whose camera is not high above the object; the lowest if all are."""
    poses = sample_poses(draws, corners.expand(draws, -1, -1))
    elevation = view_from_rotation(poses.quaternion)[1]
    low = (elevation < EYE_LEVEL_DEG).nonzero()[:, 0]
    row = int(low[0]) if len(low) else int(elevation.argmin())
    return poses[row : row + 1]


@torch.no_grad()
def shot(root: Path, subject: MeshSubject, category: Category, size: int = PHOTO_SIZE) -> MeshShot:
    """Photograph the subject in its paint, deterministically; grey background, size in pixels.

    Raises MeshError where `root` does not contain it."""
    mesh = read_mesh(root, subject.file)
    if subject.file.car:
        mesh = repaint(mesh, subject.seed)
    light = random_light(torch.Generator().manual_seed(subject.seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(subject.seed)
        pose = eye_level_pose(box_corners(mesh))
    picture = render_mesh(mesh, camera_from_pose(pose), size, light, category.background)
    return MeshShot(mesh, light, pose, picture)


@torch.no_grad()
def scene(
    root: Path,
    subject: MeshSubject,
    category: Category,
    photo_size: int = PHOTO_SIZE,
    target_size: int = TARGET_SIZE,
    every: int = 1,
) -> MeshScene:
    """Photograph the subject and its targets; `every` keeps every second or third target. Raises MeshError where
    `root` does not contain it."""
    taken = shot(root, subject, category, photo_size)
    cameras = target_cameras(box_corners(taken.mesh).norm(dim=-1).max().item())[::every]
    targets = render_mesh(taken.mesh, cameras, target_size, taken.light, category.background)
    return MeshScene(taken.pose, photo_of(taken.picture), cameras, targets)


def score_mesh(
    reconstructor: Reconstructor, subject: MeshSubject, root: Path, steps: tuple[int, ...]
) -> Record:
    """Score novel views, rotation and silhouette after each N."""
    true = scene(root, subject, reconstructor.category)
    scores = score_views(reconstructor, true.photo, true.pose, true.target_cameras, true.targets, steps)
    return {"mesh": subject.file.name, **scores}


def per_mesh(records: Sequence[Record], steps: Sequence[int]) -> Record:
    """Return the `summary` of the photos of each mesh, by its name."""
    done = finished(records)
    names = dict.fromkeys(record["mesh"] for record in done)
    return {name: summary([r for r in done if r["mesh"] == name], steps) for name in names}
