"""Samples fall where they should: bins, quantiles, and a slow twin of the inverse."""

import pytest
import torch

from spir.rendering.sampling import fractions, interp_bins, inverse_cdf, stratified


def test_one_sample_per_bin():
    near, far = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 2.0])
    plain = stratified(near, far, 4)
    torch.testing.assert_close(plain[0], torch.tensor([1.25, 1.75, 2.25, 2.75]))
    torch.testing.assert_close(plain[1], torch.full((4,), 2.0))
    jittered = stratified(near, far, 4, torch.Generator().manual_seed(0))
    assert ((jittered[0] - plain[0]).abs() <= 0.25).all() and not torch.equal(jittered, plain)
    again = stratified(near, far, 4, torch.Generator().manual_seed(0))
    assert torch.equal(jittered, again)


def slow_inverse(weights: list[float], quantile: float) -> tuple[int, float]:
    target, passed = quantile * sum(weights), 0.0
    for index, weight in enumerate(weights):
        if target < passed + weight:
            return index, (target - passed) / weight
        passed += weight
    raise AssertionError("quantile of one")


@pytest.mark.parametrize("seed", range(5))
def test_inverse_cdf_against_a_loop(seed):
    draw = torch.Generator().manual_seed(seed)
    weights = torch.rand(3, 9, generator=draw, dtype=torch.float64)
    weights[weights < 0.3] = 0
    asked = torch.rand(3, 20, generator=draw, dtype=torch.float64)
    index, inside = inverse_cdf(weights, asked)
    for ray in range(3):
        for sample in range(20):
            expected = slow_inverse(weights[ray].tolist(), asked[ray, sample].item())
            assert index[ray, sample] == expected[0]
            assert inside[ray, sample].item() == pytest.approx(expected[1])


def test_no_weight_at_all_means_equal_weights():
    index, inside = inverse_cdf(torch.zeros(1, 4), torch.tensor([[0.125, 0.5, 0.9, 1.0]]))
    edges = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]])
    torch.testing.assert_close(interp_bins(edges, index, inside), torch.tensor([[0.5, 2.0, 3.6, 4.0]]))


def test_half_of_the_samples_on_each_of_two_equal_peaks():
    weights = torch.zeros(1, 10)
    weights[0, 2] = weights[0, 7] = 1
    index, _ = inverse_cdf(weights, fractions(8, weights[:, 0]))
    assert index[0].tolist() == [2] * 4 + [7] * 4
