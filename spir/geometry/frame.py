"""Appendix A.1, converts a data source's frame to ours: its up and front axes and its unit of length.

Ours: +Y up, the front towards +Z, the object inside [-1, 1]^3, cameras looking along -z with y up.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from spir.geometry.pose import camera_from_pose
from spir.geometry.rotation import quaternion_from_matrix
from spir.types import Camera, Pose

VISION_AXES = np.diag((1.0, -1.0, -1.0))
"""Converts between computer vision's camera axes (x right, y down, z forward) and ours; its own inverse."""
ROTATION_TOLERANCE = 1e-3

Direction = tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """The coordinate frame of a source; `up` and `front` are perpendicular unit vectors in it."""

    up: Direction
    front: Direction
    half_side: float
    """The length of one object unit: half the side of the cube that holds every object, in source units."""

    @property
    def axes(self) -> Float[ndarray, "3 3"]:
        """Return our x, y and z axes as rows, in source coordinates."""
        return np.stack((np.cross(self.up, self.front), self.up, self.front))

    def perspective(
        self,
        cam2world: Float[ndarray, "rows 4"],
        focal: float,
        vision: bool,
    ) -> Camera:
        """Return the camera of a rigid 3x4 or 4x4 camera-to-world matrix in source units; focal in picture widths.

        `vision` says whether the camera has computer vision's axes instead of ours. Raises ValueError where the
        matrix is not rigid."""
        rotation, centre = cam2world[:3, :3].astype(float), cam2world[:3, 3].astype(float)
        require_rotation(rotation)
        ours = np.eye(4)
        ours[:3, :3] = self.axes @ rotation @ (VISION_AXES if vision else np.eye(3))
        ours[:3, 3] = self.axes @ centre / self.half_side
        return Camera(single(ours), single(focal))

    def weak_perspective(
        self,
        rotation: Float[ndarray, "3 3"],
        trans_px: Float[ndarray, "2"],
        scale_px: float,
        size_px: tuple[int, int],
    ) -> Camera:
        """Return the orthographic camera that projects a point p to scale_px (rotation p)[:2] + trans_px.

        Pixels count from the outer corner of the upper left one, x right, y down; size_px is (height,
        width); `rotation` maps source axes to computer vision's camera axes. Raises ValueError where it
        is not a rotation."""
        require_rotation(rotation)
        height, width = size_px
        half = width / 2
        ours = VISION_AXES @ rotation @ self.axes.T
        shift = ((trans_px[0] - width / 2) / half, (height / 2 - trans_px[1]) / half)
        return camera_from_pose(
            Pose(
                z0=None,
                shift=single(shift),
                scale=single(scale_px * self.half_side / half),
                quaternion=quaternion_from_matrix(single(ours)),
            )
        )


def require_rotation(matrix: Float[ndarray, "3 3"]) -> None:
    """Raise ValueError where the matrix is not a rotation, rather than train in a mirrored frame."""
    off = np.abs(matrix @ matrix.T - np.eye(3)).max()
    if not (off < ROTATION_TOLERANCE and np.linalg.det(matrix) > 0):
        raise ValueError(
            f"the camera's 3x3 block is no rotation (deviation {off:.2g}, determinant {np.linalg.det(matrix):.2g}): "
            "the file is damaged, or its axes are left-handed"
        )


def single(values: object) -> Float[torch.Tensor, "1 ..."]:
    """Return a batch of one."""
    return torch.tensor(np.asarray(values), dtype=torch.float32)[None]


OURS = Frame((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), 1.0)
