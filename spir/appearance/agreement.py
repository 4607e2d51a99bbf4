"""Measures how well the photo and its mirror image agree where both show the object: a test of the pose without ground truth.

With the right pose the plane x = 0 halves the object, and a point and its mirror image look alike wherever the photo
shows both. Poses that are off by a quarter turn, and the view from the other end of the same side, put that plane
somewhere else. A turn by exactly 180 degrees keeps the plane and cannot be detected.
"""

import cv2
import numpy as np
from jaxtyping import Float
from torch import Tensor

from spir.appearance.pictures import sample, smoothstep
from spir.geometry.camera import project
from spir.types import Camera, Rendering

TOLERANCE = 0.08
"""How far behind the visible surface a mirrored point may lie and still count as visible, in object units."""
COSINES = (0.1, 0.4)
"""Cosines of the angle between normal and view direction: below the first a point is invisible, above the second visible."""
BLUR = 6.0
"""Blur in pixels of 128: slower changes of brightness are ignored, as the sun lights only one side."""
FEWEST = 150
"""The fewest pixels, of 128 x 128, that must show both sides; with fewer there is no result."""
APART = 6.0
"""The least distance in pixels between a point and its mirror image: near the symmetry plane everything agrees."""


def mirror_agreement(seen: Rendering, camera: Camera, rgb: Float[Tensor, "1 size size 3"]) -> float | None:
    """Return the correlation, in [-1, 1], of the high-pass filtered brightness of points and of their mirror
    images in a cut-out; None where too few points are visible on both sides.

    `seen` is the fit from the photo's camera, with NOCS and normals, at the cut-out's size; a batch of 1."""
    assert seen.nocs is not None and seen.normals is not None
    alpha, size = seen.alpha[0].numpy(), rgb.shape[1]
    solid = alpha > 0.9
    grey = rgb[0].numpy().mean(-1)
    weight = solid.astype(np.float32)
    slow = cv2.GaussianBlur(grey * weight, (0, 0), BLUR) / np.maximum(
        cv2.GaussianBlur(weight, (0, 0), BLUR), 1e-3
    )
    detail = ((grey - slow) * weight).astype(np.float32)
    points = seen.nocs[0].numpy()[solid] / alpha[solid, None]
    normals = seen.normals[0].numpy()[solid]
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    flip = np.array((-1, 1, 1), np.float32)
    place, depth = project(camera, seen.nocs.new_tensor(points * flip)[None])
    place, depth = place[0].numpy(), depth[0].numpy()
    at = np.stack(((place[:, 0] + 0.5) * size - 0.5, (0.5 - place[:, 1]) * size - 0.5), 1).astype(np.float32)
    here = np.stack(np.nonzero(solid)[::-1], 1)
    front = seen.depth[0].numpy() / np.maximum(alpha, 1e-3)
    there = sample(np.stack((detail, front * solid, weight), -1).astype(np.float32), at)
    back = camera.cam2world[0, :3, 2].numpy()
    eye = camera.cam2world[0, :3, 3].numpy()

    def facing(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        way = np.broadcast_to(back, points.shape) if camera.focal is None else eye - points
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        return smoothstep((normals * way).sum(1), *COSINES)

    both = np.minimum(facing(points, normals), facing(points * flip, normals * flip))
    both = both * (there[:, 2] > 0.95) * (depth < there[:, 1] + TOLERANCE)
    both = both * (np.linalg.norm(at - here, axis=1) > APART)
    if both.sum() < FEWEST * (size / 128) ** 2:
        return None
    first, second = detail[solid], there[:, 0]
    products = [float((both * a * b).sum()) for a, b in ((first, second), (first, first), (second, second))]
    length = (products[1] * products[2]) ** 0.5
    return products[0] / length if length > 1e-9 else None
