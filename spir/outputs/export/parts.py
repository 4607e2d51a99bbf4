"""Assigns each face, and every texel around it, to a part of the object: the palette entry with the largest weight."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from spir.appearance.view import sample
from spir.categories import LIGHT_NAMES
from spir.geometry.raster import rasterise
from spir.outputs.export.subdivide import subdivide
from spir.types import Appearance, Camera

INSIDE = np.array(
    [[1 / 3, 1 / 3, 1 / 3]]
    + [np.roll((far, (1 - far) / 2, (1 - far) / 2), k).tolist() for far in (0.6, 0.9) for k in range(3)],
    np.float32,
)
"""Barycentric coordinates at which a face's weights are sampled: its centre and points towards its corners."""
ROUNDS = 2
"""How many times faces on which two parts meet are subdivided."""
MIN_ISLAND_AREA = 0.0005
"""Fraction of the whole surface's area: a smaller island of one part joins its neighbours."""


def at_borders(appearance: Appearance, names: Sequence[str] = ()) -> Appearance:
    """Return the same surface, subdivided where parts meet."""
    for _ in range(ROUNDS):
        entries = weights_inside(appearance, names).argmax(2)
        appearance = subdivide(appearance, (entries != entries[:, :1]).any(1))
    return appearance


def part_of_faces(appearance: Appearance, names: Sequence[str] = ()) -> Int[np.ndarray, " face"]:
    """Return the palette entry with the largest weight on each face."""
    part = weights_inside(appearance, names).mean(1).argmax(1)
    return merge_small_islands(appearance.vertices.numpy(), appearance.faces.numpy(), part)


def weights_inside(
    appearance: Appearance, names: Sequence[str] = ()
) -> Float[np.ndarray, "face inside values"]:
    """Return the weights at the points `INSIDE` each face; entries that `names` calls shade or highlight are no
    parts and get -1."""
    points = torch.einsum("pk,fkc->fpc", torch.from_numpy(INSIDE), appearance.uv[appearance.faces])
    weights = sample(appearance.weights, points.reshape(-1, 2)).reshape(*points.shape[:2], -1)
    weights[..., [k for k, name in enumerate(names) if name in LIGHT_NAMES]] = -1
    return weights.numpy()


def merge_small_islands(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], part: Int[np.ndarray, " face"]
) -> Int[np.ndarray, " face"]:
    """Return the same parts, but merge each island of less than `SPECK` of the surface into the part along most of its edges."""
    here, there = neighbours(vertices, faces)
    alike = part[here] == part[there]
    links = coo_matrix((np.ones(alike.sum()), (here[alike], there[alike])), shape=(len(faces),) * 2)
    count, island = connected_components(links, directed=False)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    small = np.bincount(island, area, count) < MIN_ISLAND_AREA * area.sum()
    votes = np.zeros((count, part.max() + 1))
    for face, other in ((here, there), (there, here)):
        heard = small[island[face]] & ~small[island[other]]
        np.add.at(votes, (island[face[heard]], part[other[heard]]), 1)
    moved = cast(np.ndarray, votes.any(1))[island]
    return np.where(moved, votes.argmax(1)[island], part)


def neighbours(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Return pairs of faces that share an edge, also across the seams of the UV atlas."""
    _, place = np.unique(vertices, axis=0, return_inverse=True)
    edges = np.sort(place.reshape(-1)[faces[:, [0, 1, 1, 2, 2, 0]]].reshape(-1, 2), axis=1)
    order = np.lexsort(edges.T)
    same = (edges[order[1:]] == edges[order[:-1]]).all(1)
    return order[:-1][same] // 3, order[1:][same] // 3


def part_of_texels(
    appearance: Appearance, part: Int[np.ndarray, " face"], size: int
) -> Int[np.ndarray, "size size"]:
    """Return the part of the face at the centre of each texel; outside the charts, that of the nearest texel inside."""
    texel_face = faces_in_texture(appearance.uv, appearance.faces, size).numpy()
    found = distance_transform_edt(texel_face < 0, return_distances=False, return_indices=True)
    row, column = cast(np.ndarray, found)
    return part[texel_face[row, column]]


def faces_in_texture(
    uv: Float[Tensor, "vertex 2"], faces: Int[Tensor, "face 3"], size: int
) -> Int[Tensor, "size size"]:
    """Return the face at the centre of each texel, -1 outside the charts, by rasterising the UV layout."""
    flat = torch.stack((2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1], torch.zeros(len(uv))), 1)
    above = torch.eye(4)
    above[2, 3] = 1.0
    return rasterise(flat, faces, Camera(above[None], None), size).face[0]
