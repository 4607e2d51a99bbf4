"""Mirror symmetry: the photo of one side also shows the other, where the object is symmetric (x -> -x).

Where the photo and its mirror image both show the surface they must agree, or lamps and plates would appear twice. The
displacement that makes them agree is found by optical flow.
"""

from dataclasses import replace

import cv2
import numpy as np
import torch
from jaxtyping import Float

from spir.appearance.pictures import limited, resized, sample, smoothstep
from spir.appearance.surface import flipped
from spir.appearance.texture_source import TextureSource

SIZE = 384
"""Pixels per side of the flow's pictures."""
TOLERANCE, MIRRORED_TOLERANCE = 0.02, 0.05
"""How far behind the visible surface a point, and its mirror image, may lie and still count as visible, in object units."""
MOST = 0.04
"""The longest displacement, as a fraction of the crop."""
LEAST_SHARED = 0.002
"""The smallest share of the picture that both must show; below it no flow is computed."""


def twisted(source: TextureSource) -> TextureSource:
    """Return the source with a smooth displacement for mirrored points that aligns photo and mirror image; it
    fades where they do not both show the surface."""
    size, hit = source.size, source.hit
    points, normals = source.points.split(3, -1)
    normals = torch.nn.functional.normalize(normals, dim=-1)
    direct, _, there = source.trust(points, normals, TOLERANCE)
    mirrored, place, mirrored_there = source.trust(flipped(points), flipped(normals), MIRRORED_TOLERANCE)
    shared = picture_of(hit, np.minimum(direct, mirrored)[:, None] ** 0.5)[..., 0]
    if shared.sum() < LEAST_SHARED * size * size:
        return source
    first, second = (sample(source.colours, at) for at in (there, mirrored_there))
    flow = agreement_flow(picture_of(hit, first), picture_of(hit, second), shared)
    # What lies at a pixel of the surface is looked up at its mirror point's place; a displacement of the surface
    # moves that place with it.
    places = picture_of(hit, place)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    moved = np.stack((x, y), -1) + flow
    steady = sample(hit.astype(np.float32)[..., None], moved.reshape(-1, 2)).reshape(size, size) > 0.99
    good = hit & (shared > 0.2) & steady
    change = sample(places, moved[good]) - places[good]
    change = limited(change, MOST * size)
    total = np.zeros((size, size, 3), np.float32)
    column, row = np.rint(places[good]).astype(int).clip(0, size - 1).T
    weight = shared[good][:, None]
    np.add.at(total, (row, column), np.concatenate((change * weight, weight), 1))
    total = cv2.GaussianBlur(total, (0, 0), size / 40)
    return replace(source, twist=total[..., :2] / (total[..., 2:] + 0.05))


def picture_of(hit: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a picture of the values of the pixels that are hit, 0 elsewhere."""
    picture = np.zeros((*hit.shape, values.shape[1]), np.float32)
    picture[hit] = values
    return picture


def agreement_flow(
    first: np.ndarray, second: np.ndarray, shared: np.ndarray
) -> Float[np.ndarray, "size size 2"]:
    """Return the displacement in pixels that takes the first picture onto the second where both are known: `shared` in [0, 1]."""
    size = len(shared)
    small = resized(np.concatenate((first, second, shared[..., None]), 2), (SIZE, SIZE))
    known = cv2.GaussianBlur(small[..., 6], (0, 0), 2)
    one, two = small[..., :3].mean(-1), small[..., 3:6].mean(-1)

    def mean(values: np.ndarray) -> np.ndarray:
        weight = np.maximum(cv2.GaussianBlur(known, (0, 0), 12), 1e-3)
        return cv2.GaussianBlur(values * known, (0, 0), 12) / weight

    # The sun lights the two sides differently.
    two = two + mean(one) - mean(two)
    soft = smoothstep(known, 0.05, 0.4)
    one, two = ((p.clip(0, 1) * 255).astype(np.uint8) for p in (one, two * soft + one * (1 - soft)))
    optical = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    optical.setFinestScale(1)
    flow = optical.calc(one, two, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    steep = np.hypot(cv2.Sobel(one, cv2.CV_32F, 1, 0), cv2.Sobel(one, cv2.CV_32F, 0, 1))
    weight = soft * (0.03 + np.minimum(steep / 120, 1))
    blurred = np.maximum(cv2.GaussianBlur(weight, (0, 0), 6), 1e-3)
    flow = cv2.GaussianBlur(flow * weight[..., None], (0, 0), 6) / blurred[..., None]
    return resized(limited(flow, MOST * SIZE), (size, size)) * (size / SIZE)
