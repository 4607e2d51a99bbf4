"""What every point of the surface looks like: the photo where it shows the point, else the photo where it shows the
mirrored point, else the object's own colours, which go over into the photo's without a seam."""

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
"""How soon a difference of light fades away from where it is known."""
LEVEL_WEIGHT, REST_WEIGHT = 30.0, 3.0
CALM = 0.15
"""A larger difference of colour, in [0, 1], is of another part, not of light, and stays where it is."""
MIRROR_HANDICAP = 0.6
"""A mirrored point must be so much better seen than the point itself to be preferred."""
HAND_OVER = 0.15
"""Half width of the soft change from one to the other, of the difference of trust."""
LEAST_MEMBER = 0.01
"""Points that belong less to a part that has a twin are not looked up there."""
BETTER, BADLY = 1.25, 0.5
"""A twin is copied onto a part that is seen less than the second, and so many times less than the twin."""
UNDERSIDE = (0.6, 0.85)
"""How much a normal points down from which a point begins to be, and wholly is, of the underside."""
DARK = 0.2
"""The underside's grey, in [0, 1]."""
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

    def replaced(
        self, some: Bool[np.ndarray, " point"], share: Float[np.ndarray, " some"], other: "Seen"
    ) -> "Seen":
        """The same, but that `some` of the points are, to these shares, what `other` says."""

        def mixed(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
            weight = share.reshape(-1, *[1] * (mine.ndim - 1))
            mine = mine.copy()
            mine[some] = (1 - weight) * mine[some] + weight * theirs
            return mine

        attention = self.attention
        if attention is not None:
            assert other.attention is not None
            attention = mixed(attention, other.attention)
        return Seen(
            mixed(self.colours, other.colours),
            mixed(self.direct, other.direct),
            mixed(self.mirrored, other.mirrored),
            attention,
        )


Twins = Callable[[Tensor], list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]]
"""How far points belong to parts that have a better seen twin, in [0, 1], and the way to it."""


def no_twins(points: Tensor) -> list:
    """Nothing has a twin."""
    return []


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
    twins: Twins = no_twins

    def look(
        self,
        points: Float[Tensor, "point 3"],
        normals: Float[Tensor, "point 3"],
        lift: Float[Tensor, "point 3"],
        attention: bool = False,
    ) -> Seen:
        """The best of photo and mirrored photo, there or at a twin that is better seen; `lift` is interpolated from the
        vertices."""
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
    ) -> Seen:
        """The better of photo and mirrored photo."""
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
        self, seen: Seen, own: Colours, normals: Float[Tensor, "point 3"], residual: Float[Tensor, "point 3"]
    ) -> Colours:
        """The colours of points, in [0, 1]: what is not known has its own ones, and the underside is dark and flat."""
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
    lift, residual = torch.from_numpy(lift), torch.from_numpy(residual)
    plain = Projection(source, mirror, palette, lift, residual)
    return replace(plain, twins=better_twins(plain, surface, twins))


def better_twins(plain: Projection, surface: Surface, twins: Twins) -> Twins:
    """Those of the parts whose twins the photo shows better than themselves."""
    seen = plain.look(surface.vertices, surface.normals, plain.lift).known
    parts = [member.numpy() for member, _ in twins(surface.vertices)]
    shown = [float((seen * member).sum() / max(member.sum(), 1e-6)) for member in parts]
    # They come in pairs, each the other's twin.
    better = [own < BADLY and shown[number ^ 1] > BETTER * own for number, own in enumerate(shown)]
    return lambda points: [twin for twin, good in zip(twins(points), better, strict=True) if good]


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
