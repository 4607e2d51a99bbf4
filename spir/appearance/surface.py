"""The surface to be textured: a marching cubes mesh, smoothed and simplified to a few thousand triangles."""

from dataclasses import dataclass

import fast_simplification
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix, csr_matrix, diags
from torch import Tensor

from spir.errors import NoPaletteError
from spir.types import Field, Mesh, Movable

SMOOTHING_ROUNDS = 6
SHRINK, GROW = 0.5, -0.53
"""Factors of Taubin 1995: a step of Laplacian smoothing, then a longer one back, so that the volume is preserved."""


@dataclass(frozen=True)
class Surface(Movable):
    """Triangles with smooth normals and the generator's attention at their vertices."""

    vertices: Float[Tensor, "vertex 3"]
    normals: Float[Tensor, "vertex 3"]
    """Unit normals."""
    faces: Int[Tensor, "face 3"]
    attention: Float[Tensor, "vertex values"]
    """The weight of each palette colour; sums to 1."""


@torch.no_grad()
def simplified(mesh: Mesh, field: Field, faces: int, device: str = "cpu") -> Surface:
    """Smooth and simplify the mesh of a field to about `faces` triangles; the field is on `device`, the result on the CPU.

    Raises ValueError where the field's colours are no mixture of a palette."""
    vertices, triangles = mesh.vertices.numpy(), mesh.faces.numpy()
    vertices = smoothed(vertices, triangles)
    if len(triangles) > faces:
        # The same count gives the same triangles, whatever the machine.
        fewer = fast_simplification.simplify(vertices, triangles.astype(np.int32), target_count=faces)
        vertices, triangles = fewer[0], fewer[1]
    points, corners = torch.from_numpy(vertices).float(), torch.from_numpy(triangles.astype(np.int64))
    attention = field(points[None].to(device)).attention
    if attention is None:
        raise NoPaletteError("this field does not say how its colours were mixed")
    return Surface(points, vertex_normals(points, corners), corners, attention[0].float().cpu())


def flipped(vectors: Float[Tensor, "point 3"]) -> Float[Tensor, "point 3"]:
    """Mirror points or directions at the plane of symmetry, x -> -x."""
    return vectors * vectors.new_tensor((-1.0, 1.0, 1.0))


def neighbours(count: int, faces: Int[np.ndarray, "face 3"]) -> csr_matrix:
    """Return the mesh's adjacency matrix: 1 for every two vertices that share an edge."""
    edges = np.concatenate((faces[:, :2], faces[:, 1:], faces[:, ::2]))
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count)).tocsr()
    return ((graph + graph.T) > 0).astype(np.float64)


def smoothed(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], rounds: int = SMOOTHING_ROUNDS
) -> Float[np.ndarray, "vertex 3"]:
    """Apply Taubin's smoothing, float32."""
    graph = neighbours(len(vertices), faces)
    mean = diags(1 / np.maximum(np.asarray(graph.sum(1)).ravel(), 1)) @ graph
    moved = vertices.astype(np.float64)
    for step in (SHRINK, GROW) * rounds:
        moved = moved + step * (mean @ moved - moved)
    return moved.astype(np.float32)


def vertex_normals(
    vertices: Float[Tensor, "vertex 3"], faces: Int[Tensor, "face 3"]
) -> Float[Tensor, "vertex 3"]:
    """Return unit vertex normals, the area-weighted mean over the faces of a vertex."""
    first, second, third = vertices[faces].unbind(1)
    area = torch.linalg.cross(second - first, third - first)
    total = torch.zeros_like(vertices)
    for corner in faces.unbind(1):
        total.index_add_(0, corner, area)
    return F.normalize(total, dim=-1)
