"""The sides that nobody saw: the formula that the generator was distilled from, fitted to the surface.

The generator's own colours are a blur where no photo sharpens them. The formula of its category draws windows, lamps,
plates and wheels with edges; its parameters come from a linear reading of w, or from some steps of Adam that make its
distance zero on the surface and its parts those of the generator.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from spir.appearance.config import AppearanceConfig
from spir.appearance.surface import Surface
from spir.formulas.reading import Reading
from spir.types import Code

RATE, PLACE_RATE = 0.1, 4e-3
"""Of Adam, for the moves and for stretch and shift."""
LAST_RATE = 0.05
"""Of the first, at the end of a cosine schedule."""
FARTHEST, SOFTNESS = 0.15, 0.01
"""Object units: distances count no more beyond the first, and squared below the second."""
PARTS, MOVES, PLACES = 0.02, 2e-4, 0.06
"""Weights of wrong parts, of moves away from the reading, and of stretch and shift."""
DOWNWARD, DOWNWARD_SHARE = -0.6, 0.2
"""Nobody looks at what faces down like this: it counts so little."""
CLOSER = 0.06
"""A step towards the formula's surface is no longer, object units."""
SNAPS, SNAP = 2, 0.9
"""Steps, each of this share of the distance: on the surface itself a formula's gradient means nothing."""
MEMORY = 0.9
"""Of the running mean of the loss by which the best start is chosen."""
CHUNK = 32768
"""Points asked of the formula at a time."""


@contextmanager
def tiny_is_zero() -> Iterator[None]:
    """Numbers too small to matter, of which far tails of sigmoids are full, cost many times what others do."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@runtime_checkable
class FormulaField(Protocol):
    """What is asked of a formula's field, such as `spir.formulas.car_field.CarField`."""

    def sdf(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point"]: ...

    def normals(self, points: Float[Tensor, "batch point 3"]) -> tuple[Tensor, Tensor]: ...

    def attention(self, points: Tensor, direction: Tensor, facing: Tensor) -> Tensor: ...

    def twins(
        self, points: Float[Tensor, "point 3"]
    ) -> list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]: ...


@dataclass(frozen=True)
class Completion:
    """A formula's object in the place of the surface."""

    field: FormulaField
    """Of the formula; a batch of 1."""
    stretch: Float[Tensor, "3"]
    shift: Float[Tensor, "3"]
    """Points of the surface to points of the formula: points * stretch + shift."""

    @tiny_is_zero()
    @torch.no_grad()
    def attention(
        self, points: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"]
    ) -> Float[Tensor, "point values"]:
        """How much each palette entry counts at points near the surface, light included; sums to 1.

        Parts are looked up where the formula's own surface is nearest, and lit by the surface's normals."""
        parts = zip(points.split(CHUNK), normals.split(CHUNK), strict=True)
        return torch.cat([self.of_some(*part) for part in parts])

    def twins(
        self, points: Float[Tensor, "point 3"]
    ) -> list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]:
        """Parts that look alike, such as front and rear wheels: how far each point belongs to one, in [0, 1], and the way
        from there to its twin, object units."""
        found = self.field.twins(points * self.stretch + self.shift)
        return [(member, way / self.stretch) for member, way in found]

    def of_some(self, points: Tensor, normals: Tensor) -> Tensor:
        places, facing = (points * self.stretch + self.shift)[None], normals[None]
        for _ in range(SNAPS):
            # Along the surface's own normals: asking the formula for its gradient costs twice as much.
            distance = self.field.sdf(places)[..., None].clamp(-CLOSER, CLOSER)
            places = places - SNAP * distance * facing
        _, direction = self.field.normals(places)
        return self.field.attention(places, direction, facing)[0]


def read(formula, reading: Reading, code: Code) -> Completion:
    """The completion that w tells at once; `code` is a batch of 1, `formula` an entry of `FORMULAS`."""
    weights, moves = reading.objects(mean_row(code), formula.table)
    field = formula.of_parameters(formula.table.parameters(weights, moves))
    return Completion(field, torch.ones(3), torch.zeros(3))


def mean_row(code: Code) -> Float[Tensor, "1 w_dim"]:
    """The mean of the rows that shape the object."""
    w = code.w.cpu().float()
    return w[:, :-1].mean(1) if w.shape[1] > 1 else w[:, 0]


@tiny_is_zero()
def fitted(formula, reading: Reading, code: Code, surface: Surface, config: AppearanceConfig) -> Completion:
    """The reading, moved by Adam until the formula's surface is this one and its parts are the generator's.

    The likeliest classes are tried together; deterministic."""
    table, count = formula.table, config.formula_starts
    weights, start = reading.objects(mean_row(code), table, count)
    # The optimiser must not touch what it began with.
    moves, places = start.clone().requires_grad_(), torch.zeros(count, 5, requires_grad=True)
    optimiser = torch.optim.Adam(
        [{"params": [moves], "lr": RATE}, {"params": [places], "lr": PLACE_RATE}], betas=(0.9, 0.99)
    )
    steps = config.formula_steps
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, RATE * LAST_RATE)
    draws = torch.Generator().manual_seed(0)
    total: Tensor | None = None
    chances = area_weights(surface)
    for _ in range(steps):
        points, normals, attention = drawn(surface, chances, config.formula_points, draws)
        field = formula.of_parameters(table.parameters(weights, moves))
        q = points * places[:, None, :3].exp() + lifted(places)[:, None]
        loss = mismatch(field, q, normals, attention)
        loss = loss + MOVES * (moves - start).square().sum(1) + PLACES * places.square().sum(1)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
        kept = loss.detach()
        total = kept if total is None else MEMORY * total + (1 - MEMORY) * kept
    assert total is not None
    best = slice(int(total.argmin()), int(total.argmin()) + 1)
    with torch.no_grad():
        field = formula.of_parameters(table.parameters(weights[best], moves[best]))
        return Completion(field, places[best, :3].exp()[0], lifted(places[best])[0])


def lifted(places: Float[Tensor, "batch 5"]) -> Float[Tensor, "batch 3"]:
    """The shift in y and z; objects stay symmetric in x."""
    return torch.cat((torch.zeros_like(places[:, :1]), places[:, 3:]), 1)


def mismatch(field, points: Tensor, normals: Tensor, attention: Tensor) -> Float[Tensor, " batch"]:
    """How far a formula's objects are from surface points, and how wrong their parts are there."""
    distance, labels = field.sdf_and_attention(points, normals.expand(len(points), -1, -1))
    off = distance.abs().clamp(max=FARTHEST)
    wrong = (labels - attention).square().sum(-1)
    return (off.square() / (off + SOFTNESS)).mean(1) + PARTS * wrong.mean(1)


def area_weights(surface: Surface) -> Float[Tensor, " face"]:
    """Chances of the triangles to be looked at: by area, less of what faces down."""
    first, second, third = surface.vertices[surface.faces].unbind(1)
    area = torch.linalg.cross(second - first, third - first)
    size = area.norm(dim=-1)
    down = area[:, 1] < DOWNWARD * size
    return size * torch.where(down, DOWNWARD_SHARE, 1.0)


def drawn(
    surface: Surface, chances: Tensor, count: int, draws: torch.Generator
) -> tuple[Float[Tensor, "count 3"], Float[Tensor, "count 3"], Float[Tensor, "count values"]]:
    """Random points of the surface, their normals and their attention."""
    face = torch.multinomial(chances, count, replacement=True, generator=draws)
    corner = torch.rand(count, 2, generator=draws)
    corner = torch.where(corner.sum(1, keepdim=True) > 1, 1 - corner, corner)
    share = torch.cat((1 - corner.sum(1, keepdim=True), corner), 1)
    vertex = surface.faces[face]
    found = torch.cat((surface.vertices, surface.normals, surface.attention), 1)[vertex]
    found = (share[..., None] * found).sum(1)
    points, normals, attention = found.split((3, 3, surface.attention.shape[1]), 1)
    return points, torch.nn.functional.normalize(normals, dim=-1), attention
