"""Path length regularisation against finite differences (§3.1)."""

import torch

from spir.generator.generator import Generator, GeneratorConfig
from spir.train.regularisers import PathLength, path_lengths
from spir.types import Code

TINY = GeneratorConfig(8, 16, 16, 4, 128, 16)


def test_path_length_is_the_slope_of_planes_and_palette():
    torch.manual_seed(0)
    generator = Generator(TINY).double()
    w = generator.rows(generator.code(torch.randn(2, 8).double())).detach().clone().requires_grad_()
    rows = lambda v: generator.synthesis_network(v[:, :-1], torch.float64)  # noqa: E731
    planes, palette = rows(w), generator.texture_mapper(w[:, -1])
    torch.manual_seed(1)
    found = path_lengths(planes, palette, w)
    torch.manual_seed(1)
    noise, colour = torch.randn_like(planes), torch.randn_like(palette)

    def moved(v: torch.Tensor) -> torch.Tensor:
        shape = (rows(v) * noise / planes.shape[-1]).flatten(1).sum(dim=1)
        return shape + (generator.texture_mapper(v[:, -1]) * colour).flatten(1).sum(dim=1)

    slope = torch.zeros_like(w)
    # The skip sum is float32 by design, so the step cannot be tiny; and leaky ReLUs have kinks.
    step = 3e-4
    with torch.no_grad():
        for layer in range(w.shape[1]):
            for entry in range(w.shape[2]):
                push = torch.zeros_like(w)
                push[:, layer, entry] = step
                slope[:, layer, entry] = (moved(w + push) - moved(w - push)) / (2 * step)
    expected = slope.square().sum(dim=2).mean(dim=1).sqrt()
    assert torch.allclose(found.detach(), expected, rtol=0.02)


def test_the_penalty_reaches_every_weight_and_follows_its_mean():
    torch.manual_seed(0)
    generator = Generator(TINY)
    w = generator.rows(generator.code(torch.randn(3, 8))).detach().clone().requires_grad_()
    penalty = PathLength(decay=0.5)
    lengths = path_lengths(generator.planes(Code(w)), generator.palette(Code(w)), w)
    loss = penalty(lengths)
    assert torch.allclose(loss, lengths.var(correction=0), rtol=1e-4)
    loss.backward()
    assert generator.synthesis_network.b4.conv1.weight.grad.abs().sum() > 0
    assert generator.texture_mapper.fc_values.weight.grad.abs().sum() > 0
    penalty(lengths + 4)
    assert torch.allclose(penalty.mean, lengths.detach().mean() + 2, rtol=1e-5)
