"""§3.1, "initialize the SDF to a unit sphere", before the first picture."""

import torch
from torch import nn

from spir.generator.generator import Generator
from spir.train.regularisers import eikonal, stratified_points


def pretrain(
    generator: Generator,
    steps: int,
    radius: float,
    batch: int,
    rate: float = 2.5e-3,
    eikonal_weight: float = 0.1,
    side: int = 12,
) -> float:
    """Fit the field of every code to a sphere, by mean (d - (|x| - radius))^2 + 0.1 eikonal, in place.

    `radius` is in object units, and each object has `side`^3 random points. Returns the last root mean square
    error."""
    device = generator.alpha.device
    trained = nn.ModuleList([generator.synthesis_network, generator.decoder]).parameters()
    optimiser = torch.optim.Adam(trained, lr=rate)
    error = torch.zeros(())
    for _ in range(steps):
        z = torch.randn(batch, generator.config.z_dim, device=device)
        points = stratified_points(batch, side, generator.config.scene_range, device)
        sdf, slope = generator.field(generator.code(z)).slope(points)
        error = (sdf - (points.norm(dim=-1) - radius)).square().mean()
        loss = error + eikonal_weight * eikonal(slope)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return float(error.detach().sqrt())
