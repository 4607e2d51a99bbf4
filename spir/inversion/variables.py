"""§3.3 and appendix A.1, what inversion optimises: all rows of w, and the pose.

w is stored divided by the gain, which multiplies the size of its steps and leaves the optimiser's alone.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from spir.geometry.pose import renormalise
from spir.types import Code, Pose


class Variables:
    """Code and pose as leaves of the graph; `moving` says which items still change."""

    def __init__(self, w: Float[Tensor, "batch layers width"], pose: Pose, gain: float, optimise_pose: bool):
        self.gain = gain
        self.latent = (w / gain).detach().clone().requires_grad_()
        pose = renormalise(pose.detach()).map(torch.clone)
        self.pose = pose.map(Tensor.requires_grad_) if optimise_pose else pose
        self.moving = torch.ones(len(w), dtype=torch.bool, device=w.device)

    def code(self, palette: Float[Tensor, "batch values 3"] | None) -> Code:
        return Code(self.latent * self.gain, palette)

    def pose_leaves(self) -> list[Tensor]:
        """The tensors of the pose that are optimised."""
        parts = (self.pose.z0, self.pose.shift, self.pose.scale, self.pose.quaternion)
        return [part for part in parts if part is not None and part.requires_grad]

    def leaves(self) -> list[Tensor]:
        return [self.latent, *self.pose_leaves()]

    def finite(self) -> Bool[Tensor, " batch"]:
        """Which items are where something can be."""
        return finite_rows(self.leaves())

    def finite_gradients(self) -> Bool[Tensor, " batch"]:
        """Which items have gradients that can be followed."""
        return finite_rows([leaf.grad for leaf in self.leaves()])

    @torch.no_grad()
    def step(self, optimiser: torch.optim.Optimizer) -> list[Tensor]:
        """One update of the items that move, and back to valid poses; returns the values before."""
        before = [leaf.detach().clone() for leaf in self.leaves()]
        for leaf in self.leaves():
            leaf.grad[~self.moving] = 0
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


def finite_rows(tensors: Sequence[Tensor]) -> Bool[Tensor, " batch"]:
    """Whether all that belongs to an item is finite; every tensor is batch-first."""
    return torch.stack([tensor.reshape(len(tensor), -1).isfinite().all(1) for tensor in tensors]).all(0)
