"""What every point of the surface looks like: the photo where it shows the point, else the photo where it shows the
mirrored point, else the object's own colours, which go over into the photo's without a seam."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import cg
from torch import Tensor

from spir.appearance.pictures import sample, smoothstep
from spir.appearance.surface import Surface, neighbours
from spir.appearance.symmetry import MIRRORED_TOLERANCE, TOLERANCE, flipped
from spir.appearance.texture_source import TextureSource

Colours = Float[np.ndarray, "point 3"]
LEVEL_SCREEN, REST_SCREEN = 2e-3, 6e-3
"""How soon a difference of light fades away from where it is known."""
LEVEL_WEIGHT, REST_WEIGHT = 30.0, 3.0
CALM = 0.15
"""A larger difference of colour, in [0, 1], is of another part, not of light, and stays where it is."""
MIRROR_HANDICAP = 0.6
"""A mirrored point must be so much better seen than the point itself to be preferred."""
HAND_OVER = 0.15
"""Half width of the soft change from one to the other, of the difference of trust."""
ENOUGH = 0.4
"""Trust from which nothing of the object's own colours shows."""


@dataclass(frozen=True)
class Seen:
    """What photo and mirrored photo tell of some points."""

    colours: Colours
    """In [0, 1]; where neither shows the point they mean nothing."""
    direct: Float[np.ndarray, " point"]
    """How well the photo shows the point, in [0, 1]."""
    mirrored: Float[np.ndarray, " point"]
    """How well it shows the mirrored one."""
    attention: Float[np.ndarray, "point values"] | None = None
    """How much each palette entry counts there; sums to 1."""

    @property
    def known(self) -> Float[np.ndarray, " point"]:
        """The share of the colour that is the photo's; the remainder is the object's own."""
        return smoothstep(np.maximum(self.direct, self.mirrored), 0.0, ENOUGH)


@dataclass(frozen=True)
class Projection:
    """The photo on a surface, ready to be asked about points."""

    source: TextureSource
    mirror: bool
    palette: Float[np.ndarray, "values 3"]
    """The colours, in [0, 1], of what nobody saw."""
    lift: Float[Tensor, "vertex 3"]
    """How much lighter than mirrored colours the surface is, at its vertices."""
    residual: Float[Tensor, "vertex 3"]
    """How much lighter than the object's own colours."""

    def look(
        self,
        points: Float[Tensor, "point 3"],
        normals: Float[Tensor, "point 3"],
        lift: Float[Tensor, "point 3"],
        attention: bool = False,
    ) -> Seen:
        """The better of photo and mirrored photo; `lift` is interpolated from the vertices."""
        direct, at, there = self.source.trust(points, normals, TOLERANCE)
        colours = sample(self.source.colours, there)
        parts = sample(self.source.attention, at) if attention else None
        mirrored = np.zeros_like(direct)
        if self.mirror:
            mirrored, other, place = self.source.trust(
                flipped(points), flipped(normals), MIRRORED_TOLERANCE, True
            )
            share = smoothstep(direct - MIRROR_HANDICAP * mirrored, -HAND_OVER, HAND_OVER)[:, None]
            colours = share * colours + (1 - share) * (sample(self.source.colours, place) + lift.numpy())
            if attention:
                parts = share * parts + (1 - share) * sample(self.source.attention, other)
        return Seen(colours.clip(0, 1), direct, mirrored, parts)

    def completed(
        self, seen: Seen, own: Float[np.ndarray, "point values"], residual: Float[Tensor, "point 3"]
    ) -> Colours:
        """The colours of points, in [0, 1]: what is not known has the attention `own`."""
        known = seen.known[:, None]
        guess = own @ self.palette + residual.numpy()
        return (known * seen.colours + (1 - known) * guess).clip(0, 1)


def projected(
    source: TextureSource,
    surface: Surface,
    own: Float[np.ndarray, "vertex values"],
    palette: Float[np.ndarray, "values 3"],
    mirror: bool,
) -> Projection:
    """The photo of a source on its surface; `own`, the attention of its vertices, and `palette` colour what neither
    photo nor mirror show."""
    vertices, normals = surface.vertices, surface.normals
    graph = neighbours(len(vertices), surface.faces.numpy())
    trust, _, there = source.trust(vertices, normals, TOLERANCE)
    colours = sample(source.colours, there)
    lift = np.zeros_like(colours)
    if mirror:
        other, _, place = source.trust(flipped(vertices), flipped(normals), MIRRORED_TOLERANCE, True)
        reflected = sample(source.colours, place)
        # Where both are seen they differ by their light; that difference is spread over what only the mirror shows.
        lift = screened(graph, LEVEL_WEIGHT * trust * other, colours - reflected, LEVEL_SCREEN)
        share = trust / np.maximum(trust + other * (1 - trust), 1e-6)
        colours = share[:, None] * colours + (1 - share[:, None]) * (reflected + lift)
        trust = np.clip(trust + other * (1 - trust), 0, 1)
    gap = colours - own @ palette
    calm = np.exp(-np.square(gap).sum(1) / CALM**2)
    residual = screened(graph, REST_WEIGHT * trust * calm, gap, REST_SCREEN)
    return Projection(source, mirror, palette, torch.from_numpy(lift), torch.from_numpy(residual))


def screened(
    graph: csr_matrix, weight: Float[np.ndarray, " vertex"], target: Colours, screen: float
) -> Colours:
    """The x of least sum of weight (x - target)^2 + (differences along edges)^2 + screen x^2, float32."""
    laplacian = diags(np.asarray(graph.sum(1)).ravel()) - graph
    system = (laplacian + diags(weight + screen)).tocsr()
    jacobi = diags(1 / system.diagonal())
    columns = [
        cg(system, weight * column, rtol=1e-3, maxiter=400, M=jacobi)[0] for column in target.T.astype(float)
    ]
    return np.stack(columns, 1).astype(np.float32)
