"""Stage 1 of the weights: the mapping network learns to express what can be seen of an object.

z is how an object was drawn: eleven votes of which one wins, angles, entries that have no effect. The mapping
network (§3.1) turns that into w, which reaches every layer of the generator only through a linear style. So
it is trained first, in a minute and a half and without a picture: the leading entries of w are the traits
themselves (class, measures, colours; mean 0, deviation 1), the others are whatever a linear reading of w
needs besides. The weights that a trait concerns are then found at once, and the encoder need not predict what
cannot be seen.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spir.generator.layers import Linear
from spir.generator.mapping import MappingNetwork


def standardised(procedural, device: str | torch.device = "cpu"):
    """A function from z to traits (batch, trait) of mean 0 and deviation 1 over the category."""
    seen = procedural.traits(torch.randn(16_384, procedural.z_dim, device=device))
    mean, deviation = seen.mean(dim=0), seen.std(dim=0).clamp(min=1e-3)
    return lambda z: (procedural.traits(z) - mean) / deviation


def explained(guess: Tensor, truth: Tensor) -> Tensor:
    """The share of each trait's variance that a guess (batch, trait) explains, at most 1."""
    return 1 - (guess - truth).square().mean(dim=0) / truth.var(dim=0).clamp(min=1e-6)


def teach(layers: Sequence[Linear], loss: Callable[[], Tensor], steps: int, rate: float) -> None:
    """Train the layers for `steps` steps on a loss that draws its own examples, then freeze them."""
    for layer in layers:
        layer.requires_grad_(True)
    # Equalised layers differ in scale; a step should change the effective weights of all equally much.
    groups = [
        {"params": [layer.weight], "lr": rate * layer.weight.shape[1] ** 0.5 / layer.rate} for layer in layers
    ]
    groups += [{"params": [layer.bias], "lr": rate / layer.rate} for layer in layers]
    optimiser = torch.optim.Adam(groups, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [g["lr"] for g in groups], total_steps=steps + 1
    )
    for _ in range(steps):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
        schedule.step()
    for layer in layers:
        layer.requires_grad_(False)


def align(network: MappingNetwork, procedural, steps: int, batch: int = 1024, rate: float = 1e-2) -> Tensor:
    """Teach the mapping network and freeze it.

    Returns the share of each trait's variance that a linear reading of w explains."""
    first, second = network.layers
    device, width = first.weight.device, len(second.weight)
    traits = standardised(procedural, device)
    count = traits(torch.randn(2, procedural.z_dim, device=device)).shape[1]
    direct = min(count, width)
    reading = Linear(width, count).to(device)
    with torch.no_grad():
        reading.weight.mul_(0.1)[:, :direct] += width**0.5 * torch.eye(count, direct, device=device)

    def miss() -> Tensor:
        z = torch.randn(batch, procedural.z_dim, device=device)
        truth, w = traits(z), network(z)
        return F.mse_loss(w[:, :direct], truth[:, :direct]) + F.mse_loss(reading(w), truth)

    teach([first, second, reading], miss, steps, rate)
    with torch.no_grad():
        z = torch.randn(8 * batch, procedural.z_dim, device=device)
        return explained(reading(network(z)), traits(z))
