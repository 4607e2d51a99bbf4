"""Distillation regulariser: a generator that knew its category must not forget it while it learns from single
views.

A picture says nothing of the far side. The object that the starting weights make of the same z does: its
distances, and which part is what, may change only at a cost. Colours are free.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor

from spir.generator.generator import Generator
from spir.generator.sdf import PlaneField

NEAR = 0.05
"""Object units: this close to the surface a difference counts most, and one of this size counts as 1."""


class DistillReg:
    """Compares a generator with a frozen copy of its starting weights."""

    def __init__(self, generator: Generator):
        self.generator = copy.deepcopy(generator).freeze()

    def __call__(self, field: PlaneField, z: Float[Tensor, "batch z_dim"], points: int) -> Float[Tensor, ""]:
        """How far the field of the same z has moved at random points: distance, and divergence of
        attention."""
        with torch.no_grad():
            start = self.generator.field(self.generator.code(z))
            place = (2 * torch.rand(len(z), points, 3, device=z.device) - 1) * start.scene_range
            old_sdf, old_logits = start.decoder(start.features(place))
            near = torch.exp(-old_sdf.abs() / (2 * NEAR))
        sdf, logits = field.decoder(field.features(place))
        distance = (near + 0.1) * ((sdf - old_sdf).abs() / NEAR)
        old = old_logits.log_softmax(-1)
        divergence = near * (old.exp() * (old - logits.log_softmax(-1))).sum(-1)
        return (distance + divergence).mean() / (near.mean() + 0.1)
