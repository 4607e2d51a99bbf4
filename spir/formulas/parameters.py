"""z ~ N(0, I) to the named parameters of an object: classes that z votes for, and measures that it moves.

z is first divided by its own root mean square, as the mapping network does, so both see the same object. Its first
entries vote for a class: a sharp softmax blends the rows of the classes, so nearly every object belongs to one class
and a few lie between two. Every further entry moves one parameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Parameters = dict[str, Tensor]
"""Name to a (batch, 1) tensor."""

SHARPNESS = 9.0
"""Of the softmax over the votes."""
FARTHEST = 1.6
"""A class's own value is moved by at most so many spreads."""
INNER = 0.02
"""Shares of a range nearer than this to its ends are told from each other no more."""


@dataclass(frozen=True)
class ParameterTable:
    """Everything that distinguishes the objects of a formula."""

    columns: Sequence[str]
    """The parameters that every class has a value of its own for."""
    classes: Mapping[str, Sequence[float | int]]
    """Class name to the values of `columns`."""
    spread: Mapping[str, float]
    """How far one unit of z moves a class's own value."""
    ranges: Mapping[str, tuple[float, float]]
    """The parameters that all classes share, each uniform over its range; negative parts of a range mean "none"."""

    @property
    def z_dim(self) -> int:
        return len(self.classes) + self.moves

    @property
    def moves(self) -> int:
        """The number of parameters that z moves."""
        return len(self.columns) + len(self.ranges)

    def class_weights(self, z: Float[Tensor, "batch z"]) -> Float[Tensor, "batch classes"]:
        """How much each class counts; sums to 1."""
        return torch.softmax(SHARPNESS * normalise(z)[:, : len(self.classes)], dim=1)

    def decode(self, z: Float[Tensor, "batch z"]) -> Parameters:
        """Every parameter of the objects; each is a smooth function of z, uniform over its range for N(0, I)."""
        return self.parameters(self.class_weights(z), normalise(z)[:, len(self.classes) :])

    def parameters(
        self, weights: Float[Tensor, "batch classes"], moves: Float[Tensor, "batch moves"]
    ) -> Parameters:
        """The parameters of objects of given classes, moved by so much."""
        rows = moves.new_tensor(list(self.classes.values()))
        spread = moves.new_tensor([self.spread[name] for name in self.columns])
        low, high = moves.new_tensor(list(self.ranges.values())).T
        own, shared = moves.split((len(self.columns), len(self.ranges)), 1)
        own = weights @ rows + spread * FARTHEST * torch.tanh(own / FARTHEST)
        values = torch.cat((own, low + (high - low) * torch.special.ndtr(shared)), 1).split(1, 1)
        return dict(zip((*self.columns, *self.ranges), values, strict=True))

    def moves_of(
        self, parameters: Float[Tensor, "batch moves"], weights: Float[Tensor, "batch classes"]
    ) -> Float[Tensor, "batch moves"]:
        """The moves that give objects of these classes these parameters, in the order of `columns` and `ranges`; what no
        move reaches is moved as far as it goes."""
        own, shared = parameters.split((len(self.columns), len(self.ranges)), 1)
        spread = own.new_tensor([self.spread[name] for name in self.columns])
        rows = own.new_tensor(list(self.classes.values()))
        wiggle = torch.where(spread > 0, (own - weights @ rows) / spread.clamp(min=1e-6), 0.0)
        most = FARTHEST * (1 - INNER)
        wiggle = FARTHEST * torch.atanh(wiggle.clamp(-most, most) / FARTHEST)
        low, high = own.new_tensor(list(self.ranges.values())).T
        share = ((shared - low) / (high - low)).clamp(INNER, 1 - INNER)
        return torch.cat((wiggle, torch.special.ndtri(share)), 1)


def normalise(z: Float[Tensor, "batch z"]) -> Float[Tensor, "batch z"]:
    """z at root mean square 1: the second-moment normalisation of the mapping network."""
    return z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
