"""§5 "Conversion to triangle mesh": marching cubes on d = 0, with colours sampled from the field at the vertices."""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from skimage.measure import marching_cubes
from torch import Tensor

from spir.errors import EmptySurfaceError
from spir.types import Field, Mesh

CHUNK = 65536
"""The number of vertices per call of the field."""


@torch.no_grad()
def mesh(field: Field, resolution: int = 128, keep_largest: bool = True) -> Mesh:
    """Return the closed surface of the one object of a field, with triangles counter-clockwise seen from outside.

    Vertices are in object units; colours in [-1, 1], with the attention that mixed them where the field returns it.
    `resolution` is the number of samples along the cube's side; `keep_largest` drops disconnected pieces and hidden
    cavities. Raises EmptySurfaceError."""
    grid = field.sdf_grid(resolution)
    if len(grid) != 1:
        raise ValueError(f"a mesh is of one object, but the field holds {len(grid)}")
    vertices, faces = level_set(grid[0].float().cpu().numpy(), field.scene_range)
    if keep_largest:
        vertices, faces = largest_piece(vertices, faces)
    points = torch.from_numpy(vertices).to(grid)
    colours, attention = coloured(field, points)
    return Mesh(points.cpu(), torch.from_numpy(faces), colours, attention)


def coloured(
    field: Field, points: Float[Tensor, "vertex 3"]
) -> tuple[Float[Tensor, "vertex 3"], Float[Tensor, "vertex values"] | None]:
    """Return the colours in [-1, 1] of the one object of a field at points, and the attention if it has one, on the CPU."""
    samples = [field(part[None]) for part in points.split(CHUNK)]
    colours = torch.cat([sample.rgb[0] for sample in samples]).clamp(-1, 1).float().cpu()
    attention = [sample.attention[0] for sample in samples if sample.attention is not None]
    return colours, torch.cat(attention).float().cpu() if attention else None


def level_set(
    grid: Float[np.ndarray, "x y z"], scene_range: float
) -> tuple[Float[np.ndarray, "vertex 3"], Int[np.ndarray, "face 3"]]:
    """Extract the zero level set of a signed distance grid on [-scene_range, scene_range]^3. Raises EmptySurfaceError."""
    if not np.isfinite(grid).all():
        raise EmptySurfaceError("the signed distance is not a number somewhere: no surface to extract")
    if grid.min() >= 0:
        raise EmptySurfaceError("the object has no surface: its signed distance is nowhere negative")
    step = 2 * scene_range / (np.array(grid.shape) - 1)
    # Padding with large distances closes surfaces at the cube's faces; it is so large that the cap lies on the face.
    far = np.pad(grid, 1, constant_values=1e3 * max(scene_range, float(np.abs(grid).max())))
    vertices, faces, _, _ = marching_cubes(far, 0.0, gradient_direction="descent", allow_degenerate=False)
    vertices = (vertices - 1) * step - scene_range
    return vertices.clip(-scene_range, scene_range).astype(np.float32), faces.astype(np.int64)


def largest_piece(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> tuple[Float[np.ndarray, "kept 3"], Int[np.ndarray, "kept_face 3"]]:
    """Return the connected component with the largest area, its vertices renumbered."""
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(len(vertices), len(vertices)))
    _, piece = connected_components(graph, directed=False)
    corner = vertices[faces]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    kept = piece == np.bincount(piece[faces[:, 0]], area).argmax()
    number = np.cumsum(kept) - 1
    return vertices[kept], number[faces[kept[faces[:, 0]]]]
