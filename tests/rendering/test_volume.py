"""Weights worked out by hand, the authors' compositing, and the exact opacity of a slab."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from spir.rendering.volume import composite, riemann_optical_depth, sample_weights, weights_from_optical_depth
from tests.rendering.fields import law

AUTHORS = {
    name: torch.from_numpy(array)
    for name, array in np.load(Path(__file__).parent / "fixture_composite.npz").items()
}


def tau_of(*alphas: float) -> torch.Tensor:
    return torch.tensor([-math.log(1 - a) for a in alphas])


def test_segment_weights_by_hand():
    expected = torch.tensor([0.4, 0.6 * 0.3, 0.6 * 0.7 * 0.8, 0.6 * 0.7 * 0.2 * 0.5])
    torch.testing.assert_close(weights_from_optical_depth(tau_of(0.4, 0.3, 0.8, 0.5)), expected)


def test_sample_weights_by_hand():
    # In front 0.1, two segments of 0.5 and 0.4, behind 0.2; shares of the light: 0.1, 0.45, 0.18, 0.054.
    front, back = tau_of(0.1)[0], tau_of(0.2)[0]
    found = sample_weights(tau_of(0.5, 0.4), front, back)
    torch.testing.assert_close(found, torch.tensor([0.1 + 0.225, 0.225 + 0.09, 0.09 + 0.054]))
    torch.testing.assert_close(found.sum(), torch.tensor(1 - 0.9 * 0.5 * 0.6 * 0.8))


def test_weights_stay_finite_and_below_one_however_dense():
    tau = torch.tensor([[0.0, 1e6, 1e6], [0.0, 0.0, 0.0], [1e-30, 1e30, 0.0]], requires_grad=True)
    weights = weights_from_optical_depth(tau)
    weights.square().sum().backward()
    assert weights.isfinite().all() and tau.grad.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.tensor([1.0, 0.0, 1.0]))


def test_the_authors_compositing():
    weights = weights_from_optical_depth(riemann_optical_depth(AUTHORS["comp_sigma"], AUTHORS["comp_depth"]))
    mask = weights.sum(-1)
    rgb = composite(weights, AUTHORS["comp_color"])
    torch.testing.assert_close(mask, AUTHORS["comp_mask_white0"])
    torch.testing.assert_close(rgb, AUTHORS["comp_rgb_white0"])
    torch.testing.assert_close(rgb + (1 - mask)[..., None], AUTHORS["comp_rgb_white1"])


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_the_opacity_of_a_slab_does_not_depend_on_the_number_of_pieces(pieces):
    """Half space entered head on: the SDF is linear, so even one piece is exact."""
    density, depth = law(0.05), 0.2
    sdf = torch.linspace(0.3, -depth, pieces + 1)
    lengths = torch.full((pieces,), (0.3 + depth) / pieces)
    tau = density.optical_depth(sdf[:-1], sdf[1:], lengths)
    fine = torch.linspace(0.3, -depth, 400_001, dtype=torch.float64)
    exact = -torch.expm1(-torch.trapezoid(law(0.05, dtype=torch.float64)(fine), -fine))
    torch.testing.assert_close(weights_from_optical_depth(tau).sum().double(), exact, rtol=1e-5, atol=0)
