"""z ~ N(0, I) to the named parameters of an object: a class selected by z, and continuous parameters.

z is first divided by its own root mean square, as in the mapping network, so both see the same object. Its first
entries are class logits: a sharp softmax blends the rows of the classes, so nearly every object belongs to one class
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
"""Inverse temperature of the softmax over the class logits."""
FARTHEST = 1.6
"""A class's own value moves by at most this many spreads."""
INNER = 0.02
"""Positions nearer than this to the ends of a range, as a share of it, are no longer distinguished."""


@dataclass(frozen=True)
class ParameterTable:
    """The classes and parameter ranges of a formula's objects."""

    columns: Sequence[str]
    """The parameters for which every class has its own value."""
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
        """Return the weight of each class; sums to 1."""
        return torch.softmax(SHARPNESS * normalise(z)[:, : len(self.classes)], dim=1)

    def decode(self, z: Float[Tensor, "batch z"]) -> Parameters:
        """Return every parameter of the objects; each is a smooth function of z, uniform over its range for N(0, I)."""
        return self.parameters(self.class_weights(z), normalise(z)[:, len(self.classes) :])

    def parameters(
        self, weights: Float[Tensor, "batch classes"], moves: Float[Tensor, "batch moves"]
    ) -> Parameters:
        """Return the parameters of objects of given classes, moved by the given amounts."""
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
        """Return the moves that give objects of these classes these parameters, in the order of `columns` and `ranges`; values
        out of reach are moved as far as possible."""
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
    """Scale z to root mean square 1: the second-moment normalisation of the mapping network."""
    return z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
