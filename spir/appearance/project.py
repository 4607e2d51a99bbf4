"""Projects the photo onto the surface: each point takes the photo's colour where it is visible, else that of its mirror
image, else the object's own colour, blended without a seam."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import cg
from torch import Tensor

from spir.appearance.pictures import sample, smoothstep
from spir.appearance.surface import Surface, flipped, neighbours
from spir.appearance.symmetry import MIRRORED_TOLERANCE, TOLERANCE
from spir.appearance.texture_source import TextureSource

Colours = Float[np.ndarray, "point 3"]
LEVEL_SCREEN, REST_SCREEN = 2e-3, 6e-3
"""How quickly corrections of mirrored colours and of the object's own colours fade away from where they are known."""
LEVEL_WEIGHT, REST_WEIGHT = 30.0, 3.0
MAX_COLOUR_GAP = 0.15
"""A larger colour difference, in [0, 1], is taken for another part instead of light, and is not spread."""
MIRROR_HANDICAP = 0.6
"""Factor on the trust of a mirrored point when it is compared with that of the point itself."""
BLEND_HALF_WIDTH = 0.15
"""Half width of the blend from one to the other, as a difference of trust."""
LEAST_MEMBER = 0.01
"""Points with a smaller membership in a part that has a twin are not looked up at the twin."""
BETTER, BADLY = 1.25, 0.5
"""A twin is copied onto a part whose trust is below `BADLY` and at least `BETTER` times smaller than the twin's."""
UNDERSIDE = (0.6, 0.85)
"""Downward components of a normal from which a point begins to be, and fully is, part of the underside."""
DARK = 0.2
"""The underside's grey level, in [0, 1]."""
FULL_TRUST = 0.4
"""The trust from which none of the object's own colours shows."""


@dataclass(frozen=True)
class PhotoSample:
    """What the photo and its mirror image show of some points."""

    colours: Colours
    """Colours in [0, 1]; undefined where neither shows the point."""
    direct: Float[np.ndarray, " point"]
    """How well the photo shows the point, in [0, 1]."""
    mirrored: Float[np.ndarray, " point"]
    """How well the photo shows the mirrored point, in [0, 1]."""
    attention: Float[np.ndarray, "point values"] | None = None
    """The weight of each palette entry; sums to 1."""

    @property
    def known(self) -> Float[np.ndarray, " point"]:
        """The share of the colour that comes from the photo; the remainder is the object's own."""
        return smoothstep(np.maximum(self.direct, self.mirrored), 0.0, FULL_TRUST)

    def replaced(
        self, some: Bool[np.ndarray, " point"], share: Float[np.ndarray, " some"], other: "PhotoSample"
    ) -> "PhotoSample":
        """Return a copy in which `some` of the points are blended, by these shares, with `other`."""

        def mixed(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
            weight = share.reshape(-1, *[1] * (mine.ndim - 1))
            mine = mine.copy()
            mine[some] = (1 - weight) * mine[some] + weight * theirs
            return mine

        attention = self.attention
        if attention is not None:
            assert other.attention is not None
            attention = mixed(attention, other.attention)
        return PhotoSample(
            mixed(self.colours, other.colours),
            mixed(self.direct, other.direct),
            mixed(self.mirrored, other.mirrored),
            attention,
        )


Twins = Callable[[Tensor], list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]]
"""Maps points to their memberships, in [0, 1], in parts that have a better seen twin, and the offset to that twin."""


def no_twins(points: Tensor) -> list:
    """Return no twins."""
    return []


@dataclass(frozen=True)
class Projection:
    """The photo projected on a surface, which can be evaluated at points."""

    source: TextureSource
    mirror: bool
    palette: Float[np.ndarray, "values 3"]
    """The colours, in [0, 1], of unseen points."""
    lift: Float[Tensor, "vertex 3"]
    """How much lighter the surface is than its mirrored colours, at its vertices."""
    residual: Float[Tensor, "vertex 3"]
    """How much lighter the surface is than the object's own colours, at its vertices."""
    twins: Twins = no_twins

    def look(
        self,
        points: Float[Tensor, "point 3"],
        normals: Float[Tensor, "point 3"],
        lift: Float[Tensor, "point 3"],
        attention: bool = False,
    ) -> PhotoSample:
        """Return the better of photo and mirror image, at the point or at a twin that is better seen; `lift` is
        interpolated from the vertices."""
        seen = self.look_once(points, normals, lift, attention)
        under = smoothstep(-normals[:, 1].numpy(), *UNDERSIDE)
        for member, way in self.twins(points):
            some = member > LEAST_MEMBER
            other = self.look_once(points[some] + way, normals[some], lift[some], attention)
            seen = seen.replaced(some.numpy(), member[some].numpy(), other)
        return replace(seen, direct=seen.direct * (1 - under), mirrored=seen.mirrored * (1 - under))

    def look_once(
        self,
        points: Float[Tensor, "point 3"],
        normals: Float[Tensor, "point 3"],
        lift: Float[Tensor, "point 3"],
        attention: bool,
    ) -> PhotoSample:
        """Return the better of photo and mirror image at the points themselves."""
        direct, at, there = self.source.trust(points, normals, TOLERANCE)
        colours = sample(self.source.colours, there)
        parts = sample(self.source.attention, at) if attention else None
        mirrored = np.zeros_like(direct)
        if self.mirror:
            mirrored, other, place = self.source.trust(
                flipped(points), flipped(normals), MIRRORED_TOLERANCE, True
            )
            share = smoothstep(direct - MIRROR_HANDICAP * mirrored, -BLEND_HALF_WIDTH, BLEND_HALF_WIDTH)[
                :, None
            ]
            colours = share * colours + (1 - share) * (sample(self.source.colours, place) + lift.numpy())
            if attention:
                parts = share * parts + (1 - share) * sample(self.source.attention, other)
        return PhotoSample(colours.clip(0, 1), direct, mirrored, parts)

    def completed(
        self,
        seen: PhotoSample,
        own: Colours,
        normals: Float[Tensor, "point 3"],
        residual: Float[Tensor, "point 3"],
    ) -> Colours:
        """Return the colours of points, in [0, 1]: unseen points have the object's own colours, and the underside
        is uniformly dark."""
        known = seen.known[:, None]
        under = smoothstep(-normals[:, 1].numpy(), *UNDERSIDE)[:, None]
        guess = (1 - under) * (own + residual.numpy()) + under * DARK
        return (known * seen.colours + (1 - known) * guess).clip(0, 1)


def projected(
    source: TextureSource,
    surface: Surface,
    own: Float[np.ndarray, "vertex values"],
    palette: Float[np.ndarray, "values 3"],
    mirror: bool,
    twins: Twins = no_twins,
) -> Projection:
    """Project the photo of a source onto its surface; `own`, the attention of its vertices, and `palette` colour
    what neither photo nor mirror image shows."""
    vertices, normals = surface.vertices, surface.normals
    graph = neighbours(len(vertices), surface.faces.numpy())
    trust, _, there = source.trust(vertices, normals, TOLERANCE)
    colours = sample(source.colours, there)
    lift = np.zeros_like(colours)
    if mirror:
        other, _, place = source.trust(flipped(vertices), flipped(normals), MIRRORED_TOLERANCE, True)
        reflected = sample(source.colours, place)
        # Where both are visible they differ by lighting; spread that difference to points seen only in the mirror image.
        lift = solve_screened_poisson(graph, LEVEL_WEIGHT * trust * other, colours - reflected, LEVEL_SCREEN)
        share = trust / np.maximum(trust + other * (1 - trust), 1e-6)
        colours = share[:, None] * colours + (1 - share[:, None]) * (reflected + lift)
        trust = np.clip(trust + other * (1 - trust), 0, 1)
    gap = colours - own @ palette
    calm = np.exp(-np.square(gap).sum(1) / MAX_COLOUR_GAP**2)
    residual = solve_screened_poisson(graph, REST_WEIGHT * trust * calm, gap, REST_SCREEN)
    lift, residual = torch.from_numpy(lift), torch.from_numpy(residual)
    plain = Projection(source, mirror, palette, lift, residual)
    return replace(plain, twins=better_twins(plain, surface, twins))


def better_twins(plain: Projection, surface: Surface, twins: Twins) -> Twins:
    """Return only the parts whose twins the photo shows better than themselves."""
    seen = plain.look(surface.vertices, surface.normals, plain.lift).known
    parts = [member.numpy() for member, _ in twins(surface.vertices)]
    shown = [float((seen * member).sum() / max(member.sum(), 1e-6)) for member in parts]
    # Twins come in pairs, in both directions.
    better = [own < BADLY and shown[number ^ 1] > BETTER * own for number, own in enumerate(shown)]
    return lambda points: [twin for twin, good in zip(twins(points), better, strict=True) if good]


def solve_screened_poisson(
    graph: csr_matrix, weight: Float[np.ndarray, " vertex"], target: Colours, screen: float
) -> Colours:
    """Return the x that minimises the sum of weight (x - target)^2 + (differences along edges)^2 + screen x^2, float32."""
    laplacian = diags(np.asarray(graph.sum(1)).ravel()) - graph
    system = (laplacian + diags(weight + screen)).tocsr()
    jacobi = diags(1 / system.diagonal())
    columns = [
        cg(system, weight * column, rtol=1e-3, maxiter=400, M=jacobi)[0] for column in target.T.astype(float)
    ]
    return np.stack(columns, 1).astype(np.float32)
