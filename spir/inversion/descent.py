"""§3.3, one step of hybrid inversion: render, compute losses, follow the gradient, project back to a valid pose."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from spir.categories import Category
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose
from spir.inversion.config import InversionConfig
from spir.inversion.crops import CroppedDistance
from spir.inversion.losses import Prediction, Target, total_loss
from spir.inversion.perceptual import Perceptual
from spir.inversion.variables import Variables, finite_rows
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Cutout, Guess, OptimizerState, Step

THIN_SHELL = 0.004
"""Below this beta of the density, in object units, the renderer needs a finer grid."""
MOMENTS = ("exp_avg", "exp_avg_sq")
"""The names of Adam's moments in torch."""


def resized(maps: Float[Tensor, "batch h w channel"], size: int) -> Float[Tensor, "batch size size channel"]:
    """Resize bilinearly, averaging where it shrinks; unchanged at the right size."""
    if maps.shape[1] == size:
        return maps
    maps = F.interpolate(maps.permute(0, 3, 1, 2), (size, size), mode="bilinear", antialias=True)
    return maps.permute(0, 2, 3, 1)


class Descent:
    """The optimisation state of a batch: `evaluate` renders the present state, `step` makes one update."""

    def __init__(
        self,
        cutout: Cutout,
        guess: Guess,
        generator: Generator,
        category: Category,
        config: InversionConfig,
        perceptual: Perceptual,
    ):
        self.generator = generator
        self.config = config
        self.palette = guess.code.palette
        w = generator.w_plus(guess.code).detach()
        self.variables = Variables(w, guess.pose, config.gains, config.optimise_pose)
        groups: list[dict[str, Any]] = [{"params": self.variables.code_leaves()}]
        if config.optimise_pose:
            groups.append({"params": self.variables.pose_leaves(), "lr": config.pose_rate})
        self.optimiser = torch.optim.Adam(groups, lr=config.rate, betas=config.betas)

        size = config.size
        rgb, mask = resized(cutout.rgb, size), resized(cutout.mask[..., None], size)[..., 0]
        draws = torch.Generator().manual_seed(config.seed)
        self.distance = CroppedDistance(
            perceptual, rgb, mask, config.crops, category.background, draws, config.fresh_crops
        )
        self.target = Target(rgb, mask, w, self.distance)
        grid = 64 if float(generator.density.beta) < THIN_SHELL else RenderConfig.grid
        self.view = RenderConfig.of(
            category, renderer=config.renderer, size=size, samples=config.samples, grid=grid
        )
        self.last: Step | None = None
        self.before: list[Tensor] = []
        self.outcome = [""] * len(w)

    def evaluate(self, index: int) -> Step:
        """Render the present code and pose at full quality; the caller sets `seconds`."""
        with torch.enable_grad():
            self.code = self.variables.code(self.palette)
            self.field = self.generator.field(self.code)
            self.camera = camera_from_pose(self.variables.pose)
            # Build the graph even at the last step: without it other kernels run, and the last bits differ.
            rendering = render(self.field, self.camera, self.view, self.draws(index))
            prediction = Prediction(rendering.rgb, rendering.alpha, self.code.w)
            self.loss = total_loss(prediction, self.target, self.config.losses)
        rgb, alpha, loss = rendering.rgb.detach(), rendering.alpha.detach(), self.loss.detach()
        fine = finite_rows((rgb, alpha, loss)) & self.variables.finite()
        if not fine.all():
            if self.last is None:
                raise ValueError(
                    "the first guess cannot be rendered: it, its picture or its loss is not finite"
                )
            # Go back to the previous state, whose picture is known to be valid.
            self.variables.restore(~fine, self.before)
            self.stop(fine, f"stopped at step {index}: the loss was not finite")
            keep = fine[:, None, None]
            rgb = torch.where(keep[..., None], rgb, self.last.rgb)
            alpha = torch.where(keep, alpha, self.last.alpha)
            loss = torch.where(fine, loss, self.last.loss)
        code, pose = self.variables.snapshot(self.palette)
        self.last = Step(index, code, pose, rgb, alpha, loss, 0.0, tuple(self.outcome), self.momentum())
        return self.last

    def draws(self, index: int) -> torch.Generator | None:
        """Return the random generator for a step's samples, independent of earlier steps; None = no jitter."""
        if not self.config.jitter:
            return None
        return torch.Generator(self.code.w.device).manual_seed(self.config.seed + index)

    def momentum(self) -> OptimizerState:
        """Return a copy of the optimised variables and of Adam's moments, which are zero before the first update."""
        leaves = self.variables.leaves()
        states = [
            self.optimiser.state[leaf] or dict.fromkeys(MOMENTS, torch.zeros_like(leaf)) for leaf in leaves
        ]
        means, squares = (tuple(state[name].clone() for state in states) for name in MOMENTS)
        return OptimizerState(tuple(leaf.detach().clone() for leaf in leaves), means, squares)

    @torch.no_grad()
    def resume(self, step: Step) -> None:
        """Continue from `step` of a run with the same cut-outs, guess and settings.

        Raises ValueError where the step cannot belong to such a run."""
        leaves, known = self.variables.leaves(), step.momentum
        if known is None or [leaf.shape for leaf in leaves] != [leaf.shape for leaf in known.leaves]:
            raise ValueError("this step is not of a run with the same numbers, so nothing can go on from it")
        for leaf, value, mean, square in zip(leaves, known.leaves, known.means, known.squares, strict=True):
            leaf.copy_(value)
            moments = dict(zip(MOMENTS, (mean.clone(), square.clone()), strict=True))
            self.optimiser.state[leaf] = {"step": torch.tensor(float(step.index)), **moments}
        self.outcome = list(step.outcome)
        self.variables.moving &= torch.tensor([not reason for reason in step.outcome]).to(
            self.variables.moving
        )
        self.last = step
        if self.distance.fresh:
            # Redraw the crops of the earlier steps, to reach the same random state.
            for _ in range(step.index):
                self.distance.redraw()

    def step(self) -> None:
        """Make one update from the state that `evaluate` rendered."""
        assert self.last is not None
        self.optimiser.zero_grad()
        # The sum over the batch, not its mean: an item's update does not depend on the batch.
        self.loss.backward(torch.ones_like(self.loss))
        self.stop(
            self.variables.finite_gradients(),
            f"stopped after step {self.last.index}: the gradient was not finite",
        )
        self.before = self.variables.step(self.optimiser)

    def stop(self, fine: Bool[Tensor, " batch"], reason: str) -> None:
        """Stop updating items that are not `fine`; the first reason is kept."""
        for row in (~fine).nonzero()[:, 0].tolist():
            self.outcome[row] = self.outcome[row] or reason
        self.variables.moving &= fine
