"""Unwraps the surface: xatlas charts in one unit square, and the texels that lie on them."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import xatlas
from jaxtyping import Bool, Float, Int
from torch import Tensor

from spir.appearance.pictures import push_pull
from spir.appearance.surface import Surface
from spir.geometry.raster import rasterise
from spir.types import Camera, Movable

PADDING = 4
"""Texels between charts, at the resolution of the fine textures."""
DOWNWARD = -0.75
"""Faces whose normals point down more than this are the underside, which is hardly ever seen."""
SMALLER = 0.35
"""The scale of the underside along each side, relative to the other charts."""


@dataclass(frozen=True)
class Unwrapped(Movable):
    """The surface's triangles over vertices that each have one place in the texture."""

    vertex: Int[Tensor, " corner"]
    """The surface's vertex that each one copies."""
    faces: Int[Tensor, "face 3"]
    uv: Float[Tensor, "corner 2"]
    """Texture coordinates in [0, 1], from the upper left corner."""


def unwrapped(surface: Surface, size: int) -> Unwrapped:
    """Return the charts of a surface for textures of `size` texels per side; deterministic."""
    vertices, normals, faces = (part.numpy() for part in (surface.vertices, surface.normals, surface.faces))
    a, b, c = vertices[faces].transpose(1, 0, 2)
    area = np.cross(b - a, c - a)
    under = area[:, 1] < DOWNWARD * np.linalg.norm(area, axis=1)
    atlas = xatlas.Atlas()
    parts = [(faces[~under], 1.0), (faces[under], SMALLER)]
    parts = [(some, scale) for some, scale in parts if len(some)]
    used = []
    for some, scale in parts:
        kept, corners = np.unique(some, return_inverse=True)
        atlas.add_mesh(vertices[kept] * scale, corners.reshape(-1, 3).astype(np.uint32), normals[kept])
        used.append(kept)
    charts, pack = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_iterations, charts.max_cost = 1, 4.0
    charts.normal_deviation_weight, charts.roundness_weight = 1.0, 0.1
    pack.padding, pack.resolution, pack.bilinear, pack.blockAlign = PADDING, size, True, False
    atlas.generate(charts, pack)
    vertex, triangles, places, start = [], [], [], 0
    for number, kept in enumerate(used):
        old, corners, uv = atlas[number]
        vertex.append(kept[old])
        triangles.append(corners.astype(np.int64) + start)
        places.append(uv)
        start += len(old)
    joined = (np.concatenate(part) for part in (vertex, triangles, places))
    vertex, triangles, uv = (torch.from_numpy(np.ascontiguousarray(part)) for part in joined)
    return Unwrapped(vertex.long(), triangles, uv.float())


@dataclass(frozen=True)
class Texels:
    """The texels of a square texture that lie on the surface."""

    hit: Bool[np.ndarray, "size size"]
    values: Float[Tensor, "texel channel"]
    """Values interpolated from the vertices."""

    def picture(self, values: Float[np.ndarray, "texel channel"]) -> Float[np.ndarray, "size size channel"]:
        """Return values of the texels as a texture, extended between the charts."""
        texture = np.zeros((*self.hit.shape, values.shape[1]), np.float32)
        texture[self.hit] = values
        return push_pull(texture, self.hit.astype(np.float32))


def texels(sheet: Unwrapped, values: Float[Tensor, "vertex channel"], size: int) -> Texels:
    """Interpolate values at the surface's vertices to the centres of the texels."""
    flat = torch.cat((2 * sheet.uv - 1, torch.zeros(len(sheet.uv), 1)), 1) * torch.tensor((1.0, -1.0, 1.0))
    above = torch.eye(4)[None].clone()
    above[0, 2, 3] = 1.0
    seen = rasterise(flat, sheet.faces, Camera(above, None), size)
    hit = seen.hit[0]
    corners = sheet.vertex[sheet.faces[seen.face[0][hit]]]
    weights = seen.weights[0][hit]
    found = cast(Tensor, sum(weights[:, [k]] * values[corners[:, k]] for k in range(3)))
    return Texels(hit.numpy(), found)
