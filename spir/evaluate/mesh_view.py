"""§5 "Conversion to triangle mesh", looked at: the triangles themselves in a shaded picture."""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from spir.geometry.camera import project
from spir.types import Camera, Mesh

OVERSAMPLING = 2
"""Pixels along a pixel's side, averaged at the end."""
SPOTS = 4
"""Dots along a triangle's edge: enough where triangles are a few pixels large."""
AMBIENT = 0.35
PAPER = 255


def mesh_view(mesh: Mesh, camera: Camera, size: int = 128) -> UInt8[np.ndarray, "size size 3"]:
    """The mesh in its colours, lit from the camera, on white; a batch of 1 camera.

    Every triangle is dotted densely, and the nearest dot of each pixel stays."""
    corners = mesh.vertices[mesh.faces]
    weights = barycentric_grid(SPOTS).to(corners)
    points = torch.einsum("sk,fkc->fsc", weights, corners).flatten(0, 1)
    towards = torch.nn.functional.normalize(camera.cam2world[0, :3, 2].to(corners), dim=0)
    light = AMBIENT + (1 - AMBIENT) * (vertex_normals(mesh) @ towards).clamp(0, 1)
    lit = (mesh.colours + 1) / 2 * light[:, None]
    shaded = torch.einsum("sk,fkc->fsc", weights, lit[mesh.faces]).flatten(0, 1)

    fine = size * OVERSAMPLING
    place, depth = project(camera, points[None])
    column = ((place[0, :, 0] + 0.5) * fine).floor().long()
    row = ((0.5 - place[0, :, 1]) * fine).floor().long()
    seen = (depth[0] > 0) & (column >= 0) & (column < fine) & (row >= 0) & (row < fine)
    pixel, depth, shaded = (row * fine + column)[seen].numpy(), depth[0][seen].numpy(), shaded[seen].numpy()
    far_to_near = np.argsort(-depth, kind="stable")
    # Of several values for one pixel numpy keeps the last, here the nearest.
    picture = np.ones((fine * fine, 3), np.float32)
    picture[pixel[far_to_near]] = shaded[far_to_near]
    picture = picture.reshape(size, OVERSAMPLING, size, OVERSAMPLING, 3).mean((1, 3))
    return (picture * PAPER).round().clip(0, PAPER).astype(np.uint8)


def vertex_normals(mesh: Mesh) -> Float[torch.Tensor, "vertex 3"]:
    """The mean of the triangles around a vertex by their area, so that slivers have no say."""
    normals = torch.zeros_like(mesh.vertices)
    first, second, third = mesh.vertices[mesh.faces].unbind(1)
    twice_area = torch.linalg.cross(second - first, third - first)
    for corner in range(3):
        normals.index_add_(0, mesh.faces[:, corner], twice_area)
    return torch.nn.functional.normalize(normals, dim=-1)


def barycentric_grid(spots: int) -> Float[torch.Tensor, "spot 3"]:
    """Weights of the corners for dots spread evenly over a triangle, its edges included."""
    steps = spots - 1
    rows = [(i, j, steps - i - j) for i in range(spots) for j in range(spots - i)]
    return torch.tensor(rows, dtype=torch.float32) / steps
