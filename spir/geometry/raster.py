"""Finds the triangle that each pixel of a camera sees: an exact z-buffer, for pictures of meshes.

Homogeneous rasterisation (Olano and Greer 1997): with p_i = (u_i, v_i, 1) w_i the corners of a triangle,
w the depth of a perspective camera and 1 of an orthographic one, the pixel d = (u, v, 1) has the barycentric
weights (p_j x p_k) . d up to their sum. They are linear in u, so each row of a triangle is one span of
pixels, and no triangle needs clipping, not even one that reaches behind the camera.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from spir.geometry.camera import NEAREST, project
from spir.types import Camera, Movable

PIXELS_AT_ONCE = 2_000_000
"""The number of covered pixels, hidden ones included, that are processed together, which bounds the memory."""


@dataclass(frozen=True)
class Fragments(Movable):
    """The visible surface at each pixel's centre."""

    face: Int[Tensor, "batch size size"]
    """Index of the face; -1 where there is none."""
    weights: Float[Tensor, "batch size size 3"]
    """Perspective-correct barycentric weights of the face's corners; 0 where there is no face."""
    depth: Float[Tensor, "batch size size"]
    """Depth along the optical axis, in object units; 0 where there is no face."""

    @property
    def hit(self) -> Bool[Tensor, "batch size size"]:
        return self.face >= 0

    def interpolate(
        self, corners: Float[Tensor, "face 3 channel"]
    ) -> Float[Tensor, "batch size size channel"]:
        """Interpolate values from the corners of every face to the pixels; 0 where there is no face."""
        if not len(corners):
            return self.weights.new_zeros(*self.face.shape, corners.shape[-1])
        return torch.einsum("bhwk,bhwkc->bhwc", self.weights, corners[self.face.clamp(min=0)])


@torch.no_grad()
def rasterise(
    vertices: Float[Tensor, "vertex 3"], faces: Int[Tensor, "face 3"], camera: Camera, size: int
) -> Fragments:
    """Return the nearest face, seen from either side, at the centre of each pixel of square pictures.

    Of two faces at the same depth the first one is taken. Nothing nearer than `NEAREST` is seen."""
    seen = [visible(vertices, faces, camera[row : row + 1], size) for row in range(len(camera.cam2world))]
    return Fragments(*(torch.stack(part) for part in zip(*seen, strict=True)))


def visible(
    vertices: Float[Tensor, "vertex 3"], faces: Int[Tensor, "face 3"], camera: Camera, size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return face, weights and depth of one picture."""
    exact = camera.map(lambda tensor: tensor.double())
    place, depth = (part[0] for part in project(exact, vertices.double()[None]))
    scale = torch.ones_like(depth) if camera.focal is None else depth
    points = torch.cat((place, torch.ones_like(place[:, :1])), 1) * scale[:, None]
    edges = edge_functions(points[faces])
    top, bottom = row_range(place[:, 1][faces], depth[faces], size)

    face_depth = depth[faces]
    nearest = torch.full((size * size,), torch.inf, dtype=torch.float64)
    winner = torch.full((size * size,), len(faces))
    for face, pixel in covered(edges, top, bottom, size):
        far = (barycentric(edges[face], pixel, size) * face_depth[face]).sum(1)
        far, face, pixel = (part[far >= NEAREST] for part in (far, face, pixel))
        before = nearest.clone()
        nearest.scatter_reduce_(0, pixel, far, "amin")
        winner[nearest < before] = len(faces)
        first = far == nearest[pixel]
        winner.scatter_reduce_(0, pixel[first], face[first], "amin")

    hit = winner < len(faces)
    face = torch.where(hit, winner, -1)
    weights = torch.zeros(size * size, 3)
    weights[hit] = barycentric(edges[face[hit]], hit.nonzero()[:, 0], size).float()
    depth = torch.where(hit, nearest, 0.0).float()
    return face.view(size, size), weights.view(size, size, 3), depth.view(size, size)


def edge_functions(points: Float[Tensor, "face 3 3"]) -> Float[Tensor, "face 3 3"]:
    """Return rows e_i with e_i . (u, v, 1) >= 0 for all i exactly where the pixel is on the triangle.

    A triangle seen edge-on covers nothing: its rows are (0, 0, -1)."""
    first, second, third = points.unbind(1)
    edges = torch.stack(
        (torch.cross(second, third, -1), torch.cross(third, first, -1), torch.cross(first, second, -1)), 1
    )
    turn = (first * edges[:, 0]).sum(-1).sign()
    nothing = points.new_tensor((0.0, 0.0, -1.0)).expand_as(edges)
    return torch.where((turn == 0)[:, None, None], nothing, edges * turn[:, None, None])


def row_range(
    height: Float[Tensor, "face 3"], depth: Float[Tensor, "face 3"], size: int
) -> tuple[Int[Tensor, " face"], Int[Tensor, " face"]]:
    """Return the first and last row of pixels that each triangle can touch: all rows if it reaches behind the camera."""
    row = (0.5 - height.clamp(-1, 1)) * size - 0.5
    top, bottom = row.amin(1).ceil().long(), row.amax(1).floor().long()
    ahead = depth > NEAREST
    crossing = ahead.any(1) & ~ahead.all(1)
    top = torch.where(crossing, 0, top.clamp(min=0))
    bottom = torch.where(crossing, size - 1, bottom.clamp(max=size - 1))
    return top, torch.where(ahead.any(1), bottom, -1)


def covered(edges: Float[Tensor, "face 3 3"], top: Tensor, bottom: Tensor, size: int):
    """Yield (face, pixel) of all covered pixel centres, hidden ones included, in chunks."""
    face, row = spread(top, bottom - top + 1)
    centre = 0.5 - (row + 0.5) / size
    slope = edges[face, :, 0]
    constant = edges[face, :, 1] * centre[:, None] + edges[face, :, 2]
    root = ((-constant / slope + 0.5) * size - 0.5).clamp(-1, size)
    begin = torch.where(slope > 0, root, -1.0).amax(1).ceil().long().clamp(min=0)
    end = torch.where(slope < 0, root, float(size)).amin(1).floor().long().clamp(max=size - 1)
    level = (slope == 0) & (constant < 0)
    count = torch.where(level.any(1), 0, (end - begin + 1).clamp(min=0))
    batch = count.cumsum(0) // PIXELS_AT_ONCE
    for chunk in range(int(batch[-1]) + 1 if len(batch) else 0):
        some = (batch == chunk).nonzero()[:, 0]
        span, column = spread(begin[some], count[some])
        yield face[some[span]], row[some[span]] * size + column


def spread(start: Int[Tensor, " span"], count: Int[Tensor, " span"]) -> tuple[Tensor, Tensor]:
    """Return (which span, value) for start, start + 1, ... of every span; a count below 1 gives none."""
    count = count.clamp(min=0)
    span = torch.repeat_interleave(torch.arange(len(count)), count)
    before = count.cumsum(0) - count
    return span, start[span] + torch.arange(len(span)) - before[span]


def barycentric(
    edges: Float[Tensor, "pixel 3 3"], pixel: Int[Tensor, " pixel"], size: int
) -> Float[Tensor, "pixel 3"]:
    """Return the corners' weights at pixel centres on the triangle; they sum to 1."""
    u = (pixel % size + 0.5) / size - 0.5
    v = 0.5 - (pixel // size + 0.5) / size
    inside = edges[:, :, 0] * u[:, None] + edges[:, :, 1] * v[:, None] + edges[:, :, 2]
    inside = inside.clamp(min=0)
    return inside / inside.sum(1, keepdim=True).clamp(min=1e-300)
