"""The photo as a source of colour: the cut-out's square under the fit's camera, and how far each of its pixels is trusted."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.appearance.pictures import Map, Picture, covered, displaced, push_pull, sample, smoothstep, square
from spir.appearance.surface import Surface, flipped, vertex_normals
from spir.appearance.warp import outline_warp
from spir.geometry.camera import project
from spir.geometry.raster import rasterise
from spir.types import Camera, Photo

SMALLEST = 384
"""The least pixels per side of the square: a small photo is enlarged, so that the surface's own edges stay sharp."""
UNIT = 256
"""The reference side of the square in pixels, in which the widths below are given."""
EDGE = (0.6, 1.6)
"""Distances from the mask's outline: below the first a pixel is not trusted, from the second it is fully."""
JUMP = 0.06
"""Neighbouring pixels whose depths differ by more than this, in object units, belong to different parts."""
JUMP_EDGE = (0.3, 1.5)
COSINES = (0.03, 0.30)
"""Cosines of the angle between normal and view direction: below the first a point is not trusted, from the second fully."""
AWAY = (-0.4, 0.0)
"""Cosines of the angle between normal and view direction: below the first a vertex is not shown, from the second it may be."""
NOWHERE = 1e3
"""The depth where there is no surface."""
SLOPE = 0.2
"""The smallest cosine: a depth tolerance grows with the slant of the surface only up to this one."""


@dataclass(frozen=True)
class TextureSource:
    """What the photo shows in the square of the cut-out, `size` pixels per side."""

    camera: Camera
    """The camera of the square; a batch of 1."""
    colours: Picture
    """Colours in [0, 1] of the object alone, extended beyond its outline."""
    inside: Map
    """How far a pixel is inside the mask, from 0 to 1."""
    flow: Float[np.ndarray, "size size 2"]
    """Displacement in pixels from a pixel of the surface's picture to its place in the photo."""
    depth: Map
    """The depth of the surface."""
    steady: Map
    """How far a pixel of the surface is from its outline and from occlusion edges, from 0 to 1."""
    points: Float[Tensor, "hit 6"]
    """The points of the surface and their normals, at the pixels where it is; row by row."""
    attention: Picture
    """The weight of each palette entry at a pixel of the surface; sums to 1 on it."""
    twist: Float[np.ndarray, "size size 2"] | None = None
    """A further displacement, in pixels, of look-ups for mirrored points."""

    @property
    def size(self) -> int:
        return len(self.inside)

    @property
    def hit(self) -> Bool[np.ndarray, "size size"]:
        """The pixels that show the surface."""
        return self.depth < NOWHERE

    def project(
        self, points: Float[Tensor, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 2"], Float[np.ndarray, " point"]]:
        """Return the pixel coordinates of points, and their depths."""
        place, depth = project(self.camera, points[None])
        x, y = (place[0, :, 0] + 0.5) * self.size - 0.5, (0.5 - place[0, :, 1]) * self.size - 0.5
        return torch.stack((x, y), -1).numpy(), depth[0].numpy()

    def cosines(
        self, points: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"]
    ) -> Float[np.ndarray, " point"]:
        """Return the cosines of the angles between normals and directions to the camera."""
        if self.camera.focal is None:
            return (normals @ torch.nn.functional.normalize(self.camera.cam2world[0, :3, 2], dim=0)).numpy()
        way = torch.nn.functional.normalize(self.camera.cam2world[0, :3, 3] - points, dim=-1)
        return (normals * way).sum(-1).numpy()

    def trust(
        self,
        points: Float[Tensor, "point 3"],
        normals: Float[Tensor, "point 3"],
        tolerance: float,
        twisted: bool = False,
    ) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, "point 2"], Float[np.ndarray, "point 2"]]:
        """Return how well the photo shows each point, in [0, 1], and its place in the surface's picture and in the photo.

        `tolerance` is how far behind the visible surface a point may lie, in object units; `twisted` adds the
        displacement of mirrored points."""
        at, depth = self.project(points)
        within = ((at > -0.5) & (at < self.size - 0.5)).all(1)
        cosine = self.cosines(points, normals)
        nearest = np.rint(at).astype(int).clip(0, self.size - 1)
        front = self.depth[nearest[:, 1], nearest[:, 0]]
        seen = within & (depth < front + tolerance / np.maximum(cosine, SLOPE))
        maps = [self.flow, self.steady[..., None]] + (
            [self.twist] if twisted and self.twist is not None else []
        )
        found = sample(np.concatenate(maps, 2), at)
        there = at + found[:, :2] + (found[:, 3:5] if found.shape[1] > 3 else 0)
        sure = smoothstep(cosine, *COSINES) * found[:, 2] * seen
        return (sure * sample(self.inside[..., None], there)[:, 0]).astype(np.float32), at, there

    def moved(self, surface: Surface, mirror: bool) -> Surface:
        """Deform the surface instead of using the flow: every visible vertex moves, at its depth, to where the
        photo shows it, so that the photo's camera sees the photo. The others move as their mirror images do,
        or stay."""
        vertices, normals = surface.vertices, surface.normals
        way, shown = self.way(vertices, normals)
        if mirror:
            other, there = self.way(flipped(vertices), flipped(normals))
            way = shown * way + (1 - shown) * there * flipped(other)
        else:
            way = shown * way
        return replace(
            surface, vertices=vertices + way, normals=vertex_normals(vertices + way, surface.faces)
        )

    def way(
        self, points: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"]
    ) -> tuple[Float[Tensor, "point 3"], Float[Tensor, "point 1"]]:
        """Return the offsets from points to where the photo shows them, at their depth, in object units; and how
        far they face the camera, in [0, 1]."""
        at, depth = self.project(points)
        step = torch.from_numpy(sample(self.flow, at) / self.size) * torch.tensor((1.0, -1.0))
        camera = self.camera.cam2world[0]
        if self.camera.focal is None:
            length = torch.tensor(2.0)
        else:
            length = torch.from_numpy(depth)[:, None] / self.camera.focal[0]
        facing = torch.from_numpy(smoothstep(self.cosines(points, normals), *AWAY)).float()
        return (length * step) @ camera[:3, :2].T, facing[:, None]


def texture_source(
    photo: Photo,
    mask: Float[Tensor, "height width"],
    box_px: Float[Tensor, "4"],
    camera: Camera,
    surface: Surface,
    most: int,
) -> TextureSource:
    """Return the square `box_px` of the photo as the colour source for the surface that `camera` sees in it.

    `mask` is in [0, 1] at the photo's size, at least one half on the object; at most `most` pixels per side are used."""
    box = tuple(round(edge) for edge in box_px.tolist())
    size = int(np.clip(box[2] - box[0], SMALLEST, most))
    height, width = mask.shape
    rgb = square(photo.rgb.cpu().numpy(), box, size) / 255
    solid = square((mask.cpu().numpy() >= 0.5).astype(np.float32), box, size)
    solid = (solid * covered(height, width, box, size)).clip(0, 1)
    seen = rasterise(surface.vertices, surface.faces, camera, size)
    hit = seen.hit[0].numpy()
    depth = np.where(hit, seen.depth[0].numpy(), NOWHERE).astype(np.float32)
    corners = torch.cat((surface.vertices, surface.normals, surface.attention), 1)[surface.faces]
    found = seen.interpolate(corners)[0]
    # Colours near the outline are mixed with the background's, and the outline itself may be off.
    unit = size / UNIT
    distance = cv2.distanceTransform((solid > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    inside = smoothstep(distance, EDGE[0] * unit, EDGE[1] * unit).astype(np.float32)
    return TextureSource(
        camera=camera,
        colours=push_pull(rgb.clip(0, 1), inside**2).astype(np.float32),
        inside=inside,
        flow=outline_warp(hit.astype(np.float32), solid),
        depth=depth,
        steady=steadiness(depth, unit),
        points=found[seen.hit[0]][:, :6],
        attention=found[..., 6:].numpy(),
    )


def steadiness(depth: Map, unit: float) -> Map:
    """Return 1 on the surface away from depth discontinuities, 0 at them and off the surface."""
    around = np.ones((3, 3), np.uint8)
    jump = cv2.dilate(depth, around) - cv2.erode(depth, around) > JUMP
    away = cv2.distanceTransform((~jump).astype(np.uint8), cv2.DIST_L2, 5)
    near, far = (width * unit for width in JUMP_EDGE)
    return (smoothstep(away, near, far) * (depth < NOWHERE)).astype(np.float32)


def as_surface_sees(source: TextureSource) -> Picture:
    """Warp the photo to the surface's picture."""
    return displaced(source.colours, source.flow)


def with_attention(source: TextureSource, attention: Picture) -> TextureSource:
    return replace(source, attention=attention.astype(np.float32))
