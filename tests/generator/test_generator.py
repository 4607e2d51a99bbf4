"""The generator as a whole: codes, sizes, the density's bounds, and that it can learn."""

from dataclasses import replace

import pytest
import torch

from spir.generator import Generator, GeneratorConfig
from spir.generator.mapping import average_w
from spir.types import Code


def test_one_row_is_the_same_for_all(small):
    code = small.code(torch.randn(2, 8))
    assert code.w.shape == (2, 1, 16)
    repeated = Code(code.w.repeat(1, small.num_ws, 1))
    assert torch.equal(small.planes(code), small.planes(repeated))
    assert torch.equal(small.palette(code), small.palette(repeated))


def test_a_wrong_number_of_rows_is_named(small):
    with pytest.raises(ValueError, match="3 rows; this generator takes 1 or 7"):
        small.planes(Code(torch.randn(1, 3, 16)))


def test_mapping_ignores_the_length_of_z(small):
    z = torch.randn(4, 8)
    torch.testing.assert_close(small.mapping(z), small.mapping(3 * z), rtol=1e-4, atol=1e-5)


def test_average_w_is_the_centre_and_repeatable(small):
    centre = small.average_w()
    assert torch.equal(centre, small.average_w())
    torch.testing.assert_close(centre, average_w(small.mapping_network, 8, seed=5), rtol=0, atol=0.1)


def test_density_is_clamped(small):
    with torch.no_grad():
        small.alpha.fill_(-1)
        small.beta.fill_(0)
    small.clamp_density()
    assert small.density.alpha.item() == small.density.beta.item() == pytest.approx(1e-3)


@pytest.mark.parametrize("size", [0, 2, 48])
def test_an_impossible_resolution_is_refused(small, size):
    with pytest.raises(ValueError, match="power of two"):
        replace(small.config, plane_resolution=size)


def test_the_smallest_network_has_one_block():
    assert Generator(GeneratorConfig(4, 4, 4, 2, 16, 4)).num_ws == 3


def test_it_learns_a_sphere_of_a_given_size(small):
    """Adam at the training rate: radius from z, in a few hundred steps of a tiny network."""
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(small.parameters(), lr=5e-3, betas=(0.0, 0.99))

    def error() -> torch.Tensor:
        z, points = torch.randn(8, 8), torch.rand(8, 128, 3) * 1.6 - 0.8
        target = points.norm(dim=-1) - (0.45 + 0.2 * torch.tanh(z[:, :1]))
        return (small.field(small.code(z)).sdf(points) - target).square().mean()

    with torch.no_grad():
        before = error()
    for _ in range(150):
        optimiser.zero_grad()
        loss = error()
        loss.backward()
        optimiser.step()
    assert loss < 0.1 * before and loss < 0.02
