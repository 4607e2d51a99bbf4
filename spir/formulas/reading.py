"""A linear map from w to the object of the formula that the generator has learnt to produce for a code.

`spir.train.distill.align` trains the mapping network so that class and parameters are linear in w; least squares recovers
the map.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from spir.formulas.parameters import ParameterTable

SMALLEST_WEIGHT = 0.01
"""Least class weight: a linear prediction of shares may be negative."""


@dataclass(frozen=True)
class ReadingConfig:
    w_dim: int
    outputs: int
    """The number of classes and parameters together."""


class Reading(nn.Module):
    """Maps w to the classes and parameters of a formula."""

    def __init__(self, config: ReadingConfig):
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.zeros(config.w_dim, config.outputs))
        self.bias = nn.Parameter(torch.zeros(config.outputs))

    def forward(self, w: Float[Tensor, "batch w_dim"]) -> Float[Tensor, "batch outputs"]:
        return w @ self.weight + self.bias

    def objects(
        self, w: Float[Tensor, "1 w_dim"], table: ParameterTable, count: int = 1
    ) -> tuple[Float[Tensor, "count classes"], Float[Tensor, "count moves"]]:
        """Return the most likely objects of a formula for a code: one of each of the `count` most likely classes, as
        class weights (one is 1) and moves."""
        found = self(w)
        likely = found[0, : len(table.classes)].clamp(min=SMALLEST_WEIGHT).topk(count).indices
        weights = nn.functional.one_hot(likely, len(table.classes)).to(found)
        parameters = found[:, len(table.classes) :].expand(count, -1)
        return weights, table.moves_of(parameters, weights)
