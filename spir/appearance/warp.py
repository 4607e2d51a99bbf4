"""The outline warp: aligns the photo with the surface's picture, so that both silhouettes agree.

A fit's outline is off by a pixel or two, and the photo on its surface would bring in background there. Points on the
outline go to the nearest outline of the mask; between them the displacement is harmonic. Dense optical flow against
the blurred rendering would bend windscreens instead.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu

from spir.appearance.pictures import Map, limited, resized, sample

GRID = 128
"""Pixels per side of the displacements before they are enlarged."""
MOST = 0.06
"""The longest displacement, as a fraction of the crop."""
ROUNDS = 4
LONGEST_STEP = 3.0
"""The longest step per round, in pixels of the grid."""
NEAR_OUTLINE = 1.2
SOFT, NOWHERE = 0.5, 1e-6
"""Weights of the displacements against smoothness: on the outline, and everywhere else."""


def signed_distance(mask: Map) -> Map:
    """Return the signed distance in pixels to the outline of a mask at one half, positive inside."""
    solid = (mask > 0.5).astype(np.uint8)
    inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (solid, 1 - solid))
    return inside - outside


def outline_warp(silhouette: Map, mask: Map) -> Float[np.ndarray, "size size 2"]:
    """Return the displacement in pixels, x and y, of every pixel of the silhouette's picture to its place in the
    mask's; both in [0, 1] and of the same size. Zero where one of them has no outline."""
    size = len(mask)
    if any((picture > 0.5).all() or not (picture > 0.5).any() for picture in (silhouette, mask)):
        return np.zeros((size, size, 2), np.float32)
    ours = signed_distance(resized(silhouette, (GRID, GRID)))
    target = cv2.GaussianBlur(signed_distance(resized(mask, (GRID, GRID))), (0, 0), 0.7)
    slope_y, slope_x = np.gradient(target)
    maps = np.stack((target, slope_x, slope_y), -1).astype(np.float32)
    y, x = np.mgrid[:GRID, :GRID].astype(np.float32)
    solve = harmonic_solver(np.abs(ours) < NEAR_OUTLINE)
    flow = np.zeros((GRID, GRID, 2), np.float32)
    for _ in range(ROUNDS):
        places = np.stack((x, y), -1) + flow
        there = sample(maps, places.reshape(-1, 2)).reshape(GRID, GRID, 3)
        slope = there[..., 1:]
        steep = np.maximum(np.square(slope).sum(-1, keepdims=True), 0.25)
        step = ((ours - there[..., 0])[..., None] * slope / steep).clip(-LONGEST_STEP, LONGEST_STEP)
        flow = limited(solve(flow + step), MOST * GRID)
    return resized(flow, (size, size)) * (size / GRID)


def harmonic_solver(known: Bool[np.ndarray, "size size"]):
    """Return a solver that smooths displacements given on a grid: close to them where they are known, harmonic between."""
    size = len(known)
    index = np.arange(size * size).reshape(size, size)
    edges = np.concatenate(
        (
            np.stack((index[:, :-1].ravel(), index[:, 1:].ravel())),
            np.stack((index[:-1].ravel(), index[1:].ravel())),
        ),
        1,
    )
    graph = coo_matrix((np.ones(edges.shape[1]), edges), shape=(size * size,) * 2).tocsr()
    graph = graph + graph.T
    weight = known.ravel() * SOFT + NOWHERE
    factors = splu((diags(np.asarray(graph.sum(1)).ravel() + weight) - graph).tocsc())

    def solve(flow: Float[np.ndarray, "size size 2"]) -> Float[np.ndarray, "size size 2"]:
        return factors.solve(weight[:, None] * flow.reshape(-1, 2)).reshape(flow.shape).astype(np.float32)

    return solve
