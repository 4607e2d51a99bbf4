"""Completes the sides that the photo does not show: the formula that the generator was distilled from, fitted to the surface.

The generator's own colours are blurred where no photo sharpens them. The formula of its category draws windows, lamps,
plates and wheels with edges; its parameters come from a linear map of w, or from some steps of Adam that minimise its
distance to the surface and match its parts to those of the generator.
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
"""Adam's learning rates for the parameters' moves, and for stretch and shift."""
LAST_RATE = 0.05
"""The final learning rate of the cosine schedule, as a fraction of the first."""
FARTHEST, SOFTNESS = 0.15, 0.01
"""In object units: distances are clamped at the first, and enter the loss squared below the second."""
PARTS, MOVES, PLACES = 0.02, 2e-4, 0.06
"""Loss weights of wrong parts, of moves away from the linear map's result, and of stretch and shift."""
DOWNWARD, DOWNWARD_SHARE = -0.6, 0.2
"""Faces whose normals point down more than the first count only by the second, as they are hardly ever seen."""
MAX_PROJECTION_STEP = 0.06
"""The longest step towards the formula's surface, in object units."""
SNAPS, SNAP = 2, 0.9
"""The number of steps towards the surface and each one's share of the distance; on the surface itself the
gradient is undefined."""
LOSS_DECAY = 0.9
"""Decay of the running mean of the loss by which the best start is chosen."""
CHUNK = 32768
"""The number of points per call of the formula."""


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Flush denormal numbers to zero: the far tails of sigmoids produce many, and they are much slower to compute."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@runtime_checkable
class FormulaField(Protocol):
    """The methods required of a formula's field, such as `spir.formulas.car_field.CarField`."""

    def sdf(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point"]: ...

    def normals(self, points: Float[Tensor, "batch point 3"]) -> tuple[Tensor, Tensor]: ...

    def attention(self, points: Tensor, direction: Tensor, facing: Tensor) -> Tensor: ...

    def twins(
        self, points: Float[Tensor, "point 3"]
    ) -> list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]: ...


@dataclass(frozen=True)
class Completion:
    """A formula's object fitted to the surface."""

    field: FormulaField
    """The formula's field; a batch of 1."""
    stretch: Float[Tensor, "3"]
    shift: Float[Tensor, "3"]
    """Maps points of the surface to points of the formula: points * stretch + shift."""

    @flush_denormals()
    @torch.no_grad()
    def attention(
        self, points: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"]
    ) -> Float[Tensor, "point values"]:
        """Return the weight of each palette entry at points near the surface, light included; sums to 1.

        Parts are looked up at the nearest point of the formula's own surface, and lit by the surface's normals."""
        parts = zip(points.split(CHUNK), normals.split(CHUNK), strict=True)
        return torch.cat([self.of_some(*part) for part in parts])

    def twins(
        self, points: Float[Tensor, "point 3"]
    ) -> list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]:
        """Return parts that look alike, such as front and rear wheels: each point's membership in one, in [0, 1],
        and the offset from there to its twin, in object units."""
        found = self.field.twins(points * self.stretch + self.shift)
        return [(member, way / self.stretch) for member, way in found]

    def of_some(self, points: Tensor, normals: Tensor) -> Tensor:
        places, facing = (points * self.stretch + self.shift)[None], normals[None]
        for _ in range(SNAPS):
            # Along the surface's own normals: asking the formula for its gradient costs twice as much.
            distance = self.field.sdf(places)[..., None].clamp(-MAX_PROJECTION_STEP, MAX_PROJECTION_STEP)
            places = places - SNAP * distance * facing
        _, direction = self.field.normals(places)
        return self.field.attention(places, direction, facing)[0]


def predict_completion(formula, reading: Reading, code: Code) -> Completion:
    """Return the completion predicted from w alone; `code` is a batch of 1, `formula` an entry of `FORMULAS`."""
    weights, moves = reading.objects(mean_row(code), formula.table)
    field = formula.of_parameters(formula.table.parameters(weights, moves))
    return Completion(field, torch.ones(3), torch.zeros(3))


def mean_row(code: Code) -> Float[Tensor, "1 w_dim"]:
    """Return the mean of the rows of w that shape the object."""
    w = code.w.cpu().float()
    return w[:, :-1].mean(1) if w.shape[1] > 1 else w[:, 0]


@flush_denormals()
def fit_completion(
    formula, reading: Reading, code: Code, surface: Surface, config: AppearanceConfig
) -> Completion:
    """Return the predicted completion, refined by Adam to match the surface and the generator's parts.

    The most likely classes are optimised in parallel; deterministic."""
    table, count = formula.table, config.formula_starts
    weights, start = reading.objects(mean_row(code), table, count)
    # The start values must stay unchanged: the loss compares with them.
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
        points, normals, attention = sample_surface(surface, chances, config.formula_points, draws)
        field = formula.of_parameters(table.parameters(weights, moves))
        q = points * places[:, None, :3].exp() + shift_from_places(places)[:, None]
        loss = mismatch(field, q, normals, attention)
        loss = loss + MOVES * (moves - start).square().sum(1) + PLACES * places.square().sum(1)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
        kept = loss.detach()
        total = kept if total is None else LOSS_DECAY * total + (1 - LOSS_DECAY) * kept
    assert total is not None
    best = slice(int(total.argmin()), int(total.argmin()) + 1)
    with torch.no_grad():
        field = formula.of_parameters(table.parameters(weights[best], moves[best]))
        return Completion(field, places[best, :3].exp()[0], shift_from_places(places[best])[0])


def shift_from_places(places: Float[Tensor, "batch 5"]) -> Float[Tensor, "batch 3"]:
    """Return the shift with x = 0: objects stay symmetric in x."""
    return torch.cat((torch.zeros_like(places[:, :1]), places[:, 3:]), 1)


def mismatch(field, points: Tensor, normals: Tensor, attention: Tensor) -> Float[Tensor, " batch"]:
    """Return the loss of a formula's objects: their distance from surface points, and the error of their parts there."""
    distance, labels = field.sdf_and_attention(points, normals.expand(len(points), -1, -1))
    off = distance.abs().clamp(max=FARTHEST)
    wrong = (labels - attention).square().sum(-1)
    return (off.square() / (off + SOFTNESS)).mean(1) + PARTS * wrong.mean(1)


def area_weights(surface: Surface) -> Float[Tensor, " face"]:
    """Return the sampling probabilities of the triangles: by area, reduced for those that face down."""
    first, second, third = surface.vertices[surface.faces].unbind(1)
    area = torch.linalg.cross(second - first, third - first)
    size = area.norm(dim=-1)
    down = area[:, 1] < DOWNWARD * size
    return size * torch.where(down, DOWNWARD_SHARE, 1.0)


def sample_surface(
    surface: Surface, chances: Tensor, count: int, draws: torch.Generator
) -> tuple[Float[Tensor, "count 3"], Float[Tensor, "count 3"], Float[Tensor, "count values"]]:
    """Sample random points of the surface; return them with their normals and attention."""
    face = torch.multinomial(chances, count, replacement=True, generator=draws)
    corner = torch.rand(count, 2, generator=draws)
    corner = torch.where(corner.sum(1, keepdim=True) > 1, 1 - corner, corner)
    share = torch.cat((1 - corner.sum(1, keepdim=True), corner), 1)
    vertex = surface.faces[face]
    found = torch.cat((surface.vertices, surface.normals, surface.attention), 1)[vertex]
    found = (share[..., None] * found).sum(1)
    points, normals, attention = found.split((3, 3, surface.attention.shape[1]), 1)
    return points, torch.nn.functional.normalize(normals, dim=-1), attention
