"""§3.3 and appendix A.1, what inversion optimises: w, and the pose.

w moves in three ways at once, each with a gain that multiplies the size of its steps but not the optimiser's
learning rate: all rows of the shape together, which stays near objects that the generator knows; every row by itself, as
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
    """The step sizes of w per unit step of the optimiser."""

    shape: float
    """Gain of all rows but the palette's, moved together."""
    rows: float
    """Gain of each of these rows by itself."""
    palette: float
    """Gain of the last row, the palette's."""


class Variables:
    """Code and pose as leaves of the autograd graph; `moving` says which items still change."""

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
        """Return the tensors of w that are optimised."""
        return [self.shape, self.rows, self.palette]

    def pose_leaves(self) -> list[Tensor]:
        """Return the tensors of the pose that are optimised."""
        parts = (self.pose.z0, self.pose.shift, self.pose.scale, self.pose.quaternion)
        return [part for part in parts if part is not None and part.requires_grad]

    def leaves(self) -> list[Tensor]:
        return [*self.code_leaves(), *self.pose_leaves()]

    def finite(self) -> Bool[Tensor, " batch"]:
        """Return which items have only finite values."""
        return finite_rows([self.start, *self.leaves()])

    def finite_gradients(self) -> Bool[Tensor, " batch"]:
        """Return which items have only finite gradients."""
        return finite_rows([gradient(leaf) for leaf in self.leaves()])

    @torch.no_grad()
    def step(self, optimiser: torch.optim.Optimizer) -> list[Tensor]:
        """Update the items that move and project back to valid poses; return the values before."""
        before = [leaf.detach().clone() for leaf in self.leaves()]
        for leaf in self.leaves():
            gradient(leaf)[~self.moving] = 0
        optimiser.step()
        valid = renormalise(self.pose)
        for name in ("z0", "shift", "scale", "quaternion"):
            leaf = getattr(self.pose, name)
            if leaf is not None and leaf.requires_grad:
                leaf.copy_(getattr(valid, name))
        # Adam's momentum would keep moving an item.
        self.restore(~self.moving, before)
        return before

    @torch.no_grad()
    def restore(self, rows: Bool[Tensor, " batch"], values: list[Tensor]) -> None:
        """Restore some items to earlier values of the leaves."""
        for leaf, value in zip(self.leaves(), values, strict=True):
            # Bypass autograd: the graph of the present picture holds these leaves, and the gradients that its
            # backward pass gives the restored rows are not used.
            leaf.data[rows] = value[rows]

    def snapshot(self, palette: Float[Tensor, "batch values 3"] | None) -> tuple[Code, Pose]:
        """Return copies of the present code and pose, detached; later steps do not change them."""
        return self.code(palette).detach(), self.pose.map(lambda leaf: leaf.detach().clone())


def gradient(leaf: Tensor) -> Tensor:
    """Return a leaf's gradient from the backward pass."""
    assert leaf.grad is not None
    return leaf.grad


def finite_rows(tensors: Sequence[Tensor]) -> Bool[Tensor, " batch"]:
    """Return whether all values of an item are finite; every tensor is batch-first."""
    return torch.stack([tensor.reshape(len(tensor), -1).isfinite().all(1) for tensor in tensors]).all(0)
