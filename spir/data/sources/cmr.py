"""The .mat annotations of CMR (also used by UMR): file, mask and weak-perspective pose of each object.

`images` has rel_path, bbox and mask for each object, `sfm_anno` scale, trans and rot, in the same order: the
point p lands at pixel scale (rot p)[:2] + trans, x right, y down, the middle of the first pixel being 1
(Matlab counts from there).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from scipy.io import loadmat

from spir.data.sources.picture import Picture, Pictures, masked
from spir.geometry.frame import Frame
from spir.photo import read_photo
from spir.types import Camera

MATLAB_FIRST = 0.5
"""The middle of pixel 1 is half a pixel from the picture's corner."""


@dataclass(frozen=True)
class WeakPerspective:
    """A weak-perspective camera; `rotation` goes from the object to computer vision's camera axes."""

    rotation: Float[ndarray, "3 3"]
    trans_px: Float[ndarray, "2"]
    scale_px: float


@dataclass(frozen=True)
class Annotation:
    """One object in one photo. Masks are kept as bits: thousands of them fit into memory."""

    file: str
    bits: UInt8[ndarray, " byte"]
    shape: tuple[int, int]
    pose: WeakPerspective | None

    @property
    def mask(self) -> Bool[ndarray, "rows columns"]:
        """The mask of the object, unpacked."""
        rows, columns = self.shape
        return np.unpackbits(self.bits, count=rows * columns).reshape(self.shape).astype(bool)


class CMRPictures(Pictures):
    """Photos below the folder `images`, named by their number and file."""

    def __init__(self, name: str, images: Path, annotations: Path, poses: Path | None, frame: Frame) -> None:
        """Read all annotations; without `poses` the cameras are unknown. Raises ValueError where the two
        files differ."""
        self.name, self.images, self.frame = name, images, frame
        self.annotations = read_annotations(annotations, poses)
        self.names = tuple(f"{i:05d}-{Path(a.file).stem}" for i, a in enumerate(self.annotations))

    def read(self, index: int) -> Picture:
        """The picture with its mask and, where it is known, its camera."""
        annotation = self.annotations[index]
        photo = masked(read_photo(self.images / annotation.file), annotation.mask)
        return Picture(self.names[index], photo, self.camera(annotation))

    def camera(self, annotation: Annotation) -> Camera | None:
        """The orthographic camera of an annotation, in our frame."""
        pose = annotation.pose
        if pose is None:
            return None
        trans = pose.trans_px - MATLAB_FIRST
        return self.frame.weak_perspective(pose.rotation, trans, pose.scale_px, annotation.shape)


def read_annotations(annotations: Path, poses: Path | None) -> tuple[Annotation, ...]:
    """Read the objects of a pair of .mat files. Raises ValueError where the two differ in length."""
    images = structs(annotations, "images")
    sfm = structs(poses, "sfm_anno") if poses else [None] * len(images)
    if len(sfm) != len(images):
        raise ValueError(f"{annotations} has {len(images)} objects but {poses} has {len(sfm)} poses")
    return tuple(
        Annotation(
            file=str(image.rel_path).replace("\\", "/"),
            bits=np.packbits(image.mask > 0),
            shape=image.mask.shape,
            pose=weak_perspective(pose),
        )
        for image, pose in zip(images, sfm, strict=True)
    )


def structs(file: Path, key: str) -> list:
    """An array of structs of a .mat file, as a list of objects. Raises ValueError where the file lacks it."""
    content = loadmat(file, struct_as_record=False, squeeze_me=True, variable_names=[key])
    if key not in content:
        raise ValueError(f"{file} has no {key!r}: it is not one of CMR's annotations")
    return list(np.atleast_1d(content[key]))


def weak_perspective(pose: Any) -> WeakPerspective | None:
    """The camera of an entry of sfm_anno; the third row of its rotation follows from the others."""
    if pose is None:
        return None
    first, second = np.asarray(pose.rot, float)[:2]
    rotation = np.stack((first, second, np.cross(first, second)))
    return WeakPerspective(rotation, np.asarray(pose.trans, float).reshape(2), float(pose.scale))
