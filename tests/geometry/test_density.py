"""The density law against its definition and its integral against a fine sum."""

import pytest
import torch

from spir.geometry.density import LaplaceDensity

LAWS = [(0.05, 0.02), (0.02, 0.02), (0.004, 0.005)]


@pytest.mark.parametrize(("alpha", "beta"), LAWS)
def test_density_is_equation_1(alpha, beta):
    law = LaplaceDensity(torch.tensor(alpha), torch.tensor(beta))
    sdf = torch.linspace(-0.3, 0.3, 101)
    by_hand = (0.5 - 0.5 * torch.sign(sdf) * (1 - torch.exp(-sdf.abs() / beta))) / alpha
    torch.testing.assert_close(law(sdf), by_hand)


@pytest.mark.parametrize(("alpha", "beta"), LAWS)
@pytest.mark.parametrize(
    ("start", "end"), [(0.1, -0.1), (-0.1, 0.1), (0.3, 0.25), (0.01, 0.01), (-0.2, -0.2001), (0.02, 0.0195)]
)
def test_optical_depth_is_the_integral(alpha, beta, start, end):
    law = LaplaceDensity(*(torch.tensor(v, dtype=torch.float64) for v in (alpha, beta)))
    middle = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    exact = 0.7 * law(start + (end - start) * middle).mean()
    found = law.optical_depth(*(torch.tensor([v], dtype=torch.float64) for v in (start, end, 0.7)))
    torch.testing.assert_close(found[0], exact, rtol=1e-5, atol=1e-12)


def test_optical_depth_in_single_precision_has_no_bad_spot():
    law = LaplaceDensity(torch.tensor(0.01), torch.tensor(0.01))
    exact = LaplaceDensity(torch.tensor(0.01).double(), torch.tensor(0.01).double())
    start = torch.linspace(-0.2, 0.2, 41)[:, None].expand(41, 61)
    end = start + torch.logspace(-7, -1, 61)
    found = law.optical_depth(start, end, torch.full_like(start, 0.1))
    truth = exact.optical_depth(start.double(), end.double(), torch.full_like(start, 0.1).double())
    torch.testing.assert_close(found.double(), truth, rtol=2e-3, atol=1e-6)


def test_gradients_are_finite_also_where_the_ends_coincide():
    law = LaplaceDensity(torch.tensor(0.01), torch.tensor(0.01))
    start = torch.tensor([0.0, 0.1, 5.0, -5.0], requires_grad=True)
    end = torch.tensor([0.0, 0.1, 5.0, 5.0], requires_grad=True)
    law.optical_depth(start, end, torch.zeros(4)).sum().backward()
    assert start.grad.isfinite().all() and end.grad.isfinite().all()
