"""§3.3 and appendix A.1, what inversion optimises: w, and the pose.

w moves in three ways at once, each with a gain that multiplies the size of its steps and leaves the optimiser's
alone: all rows of the shape together, which keeps to objects that the generator knows; every row by itself, as
in the paper, which fits what it does not know; and the palette's row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.geometry.pose import renormalise
from spir.types import Code, Pose


@dataclass(frozen=True)
class StepScales:
    """How far w moves for one unit of the optimiser."""

    shape: float
    """All rows but the palette's, together."""
    rows: float
    """Each of them by itself."""
    palette: float
    """The last row."""


class Variables:
    """Code and pose as leaves of the graph; `moving` says which items still change."""

    def __init__(
        self, w: Float[Tensor, "batch layers width"], pose: Pose, gains: StepScales, optimise_pose: bool
    ):
        self.start = w.detach()
        self.gains = gains
        self.shape = torch.zeros_like(self.start[:, :1]).requires_grad_()
        self.rows = torch.zeros_like(self.start[:, 1:]).requires_grad_()
        self.palette = torch.zeros_like(self.start[:, :1]).requires_grad_()
        pose = renormalise(pose.detach()).map(torch.clone)
        self.pose = pose.map(Tensor.requires_grad_) if optimise_pose else pose
        self.moving = torch.ones(len(w), dtype=torch.bool, device=w.device)

    def code(self, palette: Float[Tensor, "batch values 3"] | None) -> Code:
        shape = self.shape * self.gains.shape + self.rows * self.gains.rows
        return Code(self.start + torch.cat((shape, self.palette * self.gains.palette), 1), palette)

    def code_leaves(self) -> list[Tensor]:
        """The tensors of w that are optimised."""
        return [self.shape, self.rows, self.palette]

    def pose_leaves(self) -> list[Tensor]:
        """The tensors of the pose that are optimised."""
        parts = (self.pose.z0, self.pose.shift, self.pose.scale, self.pose.quaternion)
        return [part for part in parts if part is not None and part.requires_grad]

    def leaves(self) -> list[Tensor]:
        return [*self.code_leaves(), *self.pose_leaves()]

    def finite(self) -> Bool[Tensor, " batch"]:
        """Which items are where something can be."""
        return finite_rows([self.start, *self.leaves()])

    def finite_gradients(self) -> Bool[Tensor, " batch"]:
        """Which items have gradients that can be followed."""
        return finite_rows([gradient(leaf) for leaf in self.leaves()])

    @torch.no_grad()
    def step(self, optimiser: torch.optim.Optimizer) -> list[Tensor]:
        """One update of the items that move, and back to valid poses; returns the values before."""
        before = [leaf.detach().clone() for leaf in self.leaves()]
        for leaf in self.leaves():
            gradient(leaf)[~self.moving] = 0
        optimiser.step()
        valid = renormalise(self.pose)
        for name in ("z0", "shift", "scale", "quaternion"):
            leaf = getattr(self.pose, name)
            if leaf is not None and leaf.requires_grad:
                leaf.copy_(getattr(valid, name))
        # Adam's momentum would carry an item on.
        self.restore(~self.moving, before)
        return before

    @torch.no_grad()
    def restore(self, rows: Bool[Tensor, " batch"], values: list[Tensor]) -> None:
        """Put some items back to earlier values of the leaves."""
        for leaf, value in zip(self.leaves(), values, strict=True):
            # Past autograd: the graph of the present picture holds these leaves, and what its backward pass
            # makes of the restored rows is thrown away.
            leaf.data[rows] = value[rows]

    def snapshot(self, palette: Float[Tensor, "batch values 3"] | None) -> tuple[Code, Pose]:
        """Code and pose of this moment, detached; later steps do not touch them."""
        return self.code(palette).detach(), self.pose.map(lambda leaf: leaf.detach().clone())


def gradient(leaf: Tensor) -> Tensor:
    """What the backward pass left at a leaf."""
    assert leaf.grad is not None
    return leaf.grad


def finite_rows(tensors: Sequence[Tensor]) -> Bool[Tensor, " batch"]:
    """Whether all that belongs to an item is finite; every tensor is batch-first."""
    return torch.stack([tensor.reshape(len(tensor), -1).isfinite().all(1) for tensor in tensors]).all(0)
