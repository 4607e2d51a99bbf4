"""Which part of the object a face, and every texel around it, belongs to: the palette entry with the largest weight."""

from collections.abc import Sequence

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
from spir.outputs.export.subdivide import refined
from spir.types import Appearance, Camera

INSIDE = np.array(
    [[1 / 3, 1 / 3, 1 / 3]]
    + [np.roll((far, (1 - far) / 2, (1 - far) / 2), k).tolist() for far in (0.6, 0.9) for k in range(3)],
    np.float32,
)
"""Where in a face its weights are looked at, barycentric: in the middle and towards its corners."""
ROUNDS = 2
"""How often faces on which two parts meet are cut."""
SPECK = 0.0005
"""Of the whole surface: an island of one part that is smaller joins its neighbours."""


def at_borders(appearance: Appearance, names: Sequence[str] = ()) -> Appearance:
    """The same surface with smaller faces where parts meet."""
    for _ in range(ROUNDS):
        entries = weights_inside(appearance, names).argmax(2)
        appearance = refined(appearance, (entries != entries[:, :1]).any(1))
    return appearance


def part_of_faces(appearance: Appearance, names: Sequence[str] = ()) -> Int[np.ndarray, " face"]:
    """The palette entry that counts most on each face."""
    part = weights_inside(appearance, names).mean(1).argmax(1)
    return without_specks(appearance.vertices.numpy(), appearance.faces.numpy(), part)


def weights_inside(
    appearance: Appearance, names: Sequence[str] = ()
) -> Float[np.ndarray, "face inside values"]:
    """The weights at the points `INSIDE` each face; what `names` calls shade or highlight is no part, and has -1."""
    points = torch.einsum("pk,fkc->fpc", torch.from_numpy(INSIDE), appearance.uv[appearance.faces])
    weights = sample(appearance.weights, points.reshape(-1, 2)).reshape(*points.shape[:2], -1)
    weights[..., [k for k, name in enumerate(names) if name in LIGHT_NAMES]] = -1
    return weights.numpy()


def without_specks(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], part: Int[np.ndarray, " face"]
) -> Int[np.ndarray, " face"]:
    """The same parts, but an island of less than `SPECK` of the surface goes to whom most of its edges touch."""
    here, there = neighbours(vertices, faces)
    alike = part[here] == part[there]
    links = coo_matrix((np.ones(alike.sum()), (here[alike], there[alike])), shape=(len(faces),) * 2)
    count, island = connected_components(links, directed=False)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    small = np.bincount(island, area, count) < SPECK * area.sum()
    votes = np.zeros((count, part.max() + 1))
    for face, other in ((here, there), (there, here)):
        heard = small[island[face]] & ~small[island[other]]
        np.add.at(votes, (island[face[heard]], part[other[heard]]), 1)
    moved = votes.any(1)[island]
    return np.where(moved, votes.argmax(1)[island], part)


def neighbours(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Pairs of faces that share an edge, also across the seams of the unwrapping."""
    _, place = np.unique(vertices, axis=0, return_inverse=True)
    edges = np.sort(place.reshape(-1)[faces[:, [0, 1, 1, 2, 2, 0]]].reshape(-1, 2), axis=1)
    order = np.lexsort(edges.T)
    same = (edges[order[1:]] == edges[order[:-1]]).all(1)
    return order[:-1][same] // 3, order[1:][same] // 3


def part_of_texels(
    appearance: Appearance, part: Int[np.ndarray, " face"], size: int
) -> Int[np.ndarray, "size size"]:
    """The part of the face at the centre of each texel; outside the charts that of the nearest one."""
    texel_face = faces_in_texture(appearance.uv, appearance.faces, size).numpy()
    row, column = distance_transform_edt(texel_face < 0, return_distances=False, return_indices=True)
    return part[texel_face[row, column]]


def faces_in_texture(
    uv: Float[Tensor, "vertex 2"], faces: Int[Tensor, "face 3"], size: int
) -> Int[Tensor, "size size"]:
    """The face at the centre of each texel, -1 outside the charts: the texture looked at as a flat object."""
    flat = torch.stack((2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1], torch.zeros(len(uv))), 1)
    above = torch.eye(4)
    above[2, 3] = 1.0
    return rasterise(flat, faces, Camera(above[None], None), size).face[0]
