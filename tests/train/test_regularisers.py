"""The regularisers of §3.1 against finite differences and hand-worked values."""

import torch

from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.density import LaplaceDensity
from spir.train.regularisers import (
    PathLength,
    eikonal,
    path_lengths,
    stratified_points,
    surface_entropy,
    total_variation,
)
from spir.types import Code

TINY = GeneratorConfig(8, 8, 8, 4, 64, 8)


def test_path_length_is_the_slope_of_planes_and_palette():
    torch.manual_seed(0)
    generator = Generator(TINY).double()
    w = generator.w_plus(generator.code(torch.randn(2, 8).double())).detach().clone().requires_grad_()
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
    w = generator.w_plus(generator.code(torch.randn(3, 8))).detach().clone().requires_grad_()
    penalty = PathLength(decay=0.5)
    lengths = path_lengths(generator.planes(Code(w)), generator.palette(Code(w)), w)
    loss = penalty(lengths)
    assert torch.allclose(loss, lengths.var(correction=0), rtol=1e-4)
    loss.backward()
    assert generator.synthesis_network.b4.conv1.weight.grad.abs().sum() > 0
    assert generator.texture_mapper.fc_values.weight.grad.abs().sum() > 0
    penalty(lengths + 4)
    assert torch.allclose(penalty.mean, lengths.detach().mean() + 2, rtol=1e-5)


def sphere_field(radius: float):
    """A field whose slope is asked for at points: distance to a sphere, by formula."""

    def slope(points):
        return points.norm(dim=-1) - radius, points / points.norm(dim=-1, keepdim=True)

    return slope


def test_eikonal_is_zero_for_a_distance_and_counts_squares():
    torch.manual_seed(0)
    points = stratified_points(2, 6, 1.0)
    _, slope = sphere_field(0.5)(points)
    assert eikonal(slope) < 1e-10
    assert torch.allclose(eikonal(3 * slope), torch.tensor(4.0), rtol=1e-4)
    still = torch.zeros(1, 1, 3, requires_grad=True)
    assert torch.autograd.grad(eikonal(still), still)[0].isfinite().all()


def test_the_slope_of_a_field_is_its_finite_difference_and_teaches_the_network():
    torch.manual_seed(0)
    generator = Generator(TINY)
    field = generator.field(generator.code(torch.randn(2, 8)))
    points = 0.9 * (2 * torch.rand(2, 40, 3) - 1)
    sdf, slope = field.slope(points)
    assert torch.allclose(sdf, field.sdf(points), atol=1e-5)
    step = 1e-3
    for axis in range(3):
        push = torch.zeros(3)
        push[axis] = step
        difference = (field.sdf(points + push) - field.sdf(points - push)) / (2 * step)
        # Planes are bilinear: across a pixel's edge the two sides differ.
        assert (difference - slope[..., axis]).abs().median() < 1e-3
    eikonal(slope).backward()
    assert generator.synthesis_network.b4.conv1.weight.grad.abs().sum() > 0
    assert generator.decoder.net[0].weight.grad.abs().sum() > 0


def test_the_gradient_of_eikonal_is_its_finite_difference():
    torch.manual_seed(3)
    generator = Generator(TINY)
    code, points = generator.code(torch.randn(1, 8)), 0.9 * (2 * torch.rand(1, 60, 3) - 1)
    weight = generator.decoder.net[0].weight
    penalty = lambda: eikonal(generator.field(code).slope(points)[1])  # noqa: E731
    (found,) = torch.autograd.grad(penalty(), weight)
    direction = torch.randn_like(weight)
    with torch.no_grad():
        weight += 1e-2 * direction
        above = penalty()
        weight -= 2e-2 * direction
        below = penalty()
    assert torch.allclose((found * direction).sum(), (above - below) / 2e-2, rtol=0.02)


def test_points_are_stratified():
    torch.manual_seed(0)
    points = stratified_points(2, 4, 0.5)
    cell = ((points / 0.5 + 1) / 2 * 4).floor().long()
    index = cell[..., 0] * 16 + cell[..., 1] * 4 + cell[..., 2]
    assert torch.equal(index.sort(dim=1).values, torch.arange(64).expand(2, -1))


def test_variation_and_entropy_by_hand():
    density = LaplaceDensity(torch.tensor([1.0]), torch.tensor([0.1]))
    inside, outside = torch.tensor([[-0.1]]), torch.tensor([[0.1]])
    half = 0.5 * torch.exp(torch.tensor(-1.0))
    assert torch.allclose(total_variation(density, inside, outside), 1 - 2 * half)
    assert total_variation(density, inside, inside) == 0
    assert torch.allclose(surface_entropy(density, inside), half / 0.1)
    assert torch.allclose(surface_entropy(density, torch.zeros(1, 1)), torch.tensor(5.0))
    assert surface_entropy(density, torch.full((1, 1), 2.0)) < 1e-6
