"""Projection from W+ to W: one w for all layers, where the palette's row was fitted alone.

Random objects have a single row of w; a photo's colours are fitted in the last row, in closed form, whatever
the shape would make of it (`spir.bootstrap.colours`). Many rows give almost the same palette: of these the
one is taken that changes the shape least, by a metric that is estimated once, as the mean over the photos.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from spir.generator.generator import Generator
from spir.train.autodecoder.distill_reg import NEAR
from spir.types import Code

OBJECTS, PROBES, POINTS = 32, 16, 512
STEPS, RATE = 400, 0.1


def shape_metric(generator: Generator, w: Float[Tensor, "object width"]) -> Float[Tensor, "width width"]:
    """H such that d^T H d is the mean squared change of distance near the surface, in units of NEAR, where w
    changes by d; mean over the objects. A change of NEAR weighs as much as all colours from black to white.

    It is estimated from gradients of random combinations of points (Hutchinson's trick)."""
    metric = w.new_zeros(w.shape[1], w.shape[1])
    with torch.enable_grad():
        for row in w.split(1):
            row = row.detach().requires_grad_()
            field = generator.field(Code(row[:, None]))
            points = (2 * torch.rand(1, POINTS, 3, device=w.device) - 1) * field.scene_range
            sdf = field.sdf(points)
            near = torch.exp(-sdf.detach().abs() / NEAR)
            weight = (near / near.sum()).sqrt() / NEAR
            for _ in range(PROBES):
                probe = (sdf * weight * torch.randn_like(sdf)).sum()
                (slope,) = torch.autograd.grad(probe, row, retain_graph=True)
                metric += slope.T @ slope
    return metric / (len(w) * PROBES)


def project_to_w(
    generator: Generator, w: Float[Tensor, "photo layers width"]
) -> Float[Tensor, "photo 1 width"]:
    """The mean of the shape's rows, optimised until the palette is that of the last row and the shape still
    the same.

    The generator's own parameters must not ask for gradients."""
    if w.shape[1] == 1:
        return w
    shape, goal = w[:, :-1].mean(1), generator.texture_mapper(w[:, -1]).detach()
    chosen = torch.randperm(len(w), device=w.device)[:OBJECTS]
    metric = shape_metric(generator, shape[chosen])
    offset = torch.zeros_like(shape, requires_grad=True)
    optimiser = torch.optim.Adam([offset], lr=RATE)
    with torch.enable_grad():
        for _ in range(STEPS):
            colour = (generator.texture_mapper(shape + offset) - goal).square().mean((1, 2)) / 4
            loss = colour + ((offset @ metric) * offset).sum(1)
            optimiser.zero_grad()
            loss.sum().backward()
            optimiser.step()
    return (shape + offset).detach()[:, None]
