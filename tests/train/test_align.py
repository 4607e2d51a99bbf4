"""The mapping network learns the traits of cars and is frozen afterwards."""

import torch

from spir.formulas import FORMULAS
from spir.generator.mapping import MappingNetwork
from spir.train.distill.align import align, explained, standardised

CAR = FORMULAS["car"]


def test_traits_tell_cars_apart_and_nothing_else():
    """Same traits, same car: losing votes for a class are not among them."""
    torch.manual_seed(0)
    traits = standardised(CAR)
    seen = traits(torch.randn(4096, CAR.z_dim))
    assert seen.mean(dim=0).abs().max() < 0.1 and (seen.std(dim=0) - 1).abs().max() < 0.15
    z = CAR.one_per_class(torch.Generator().manual_seed(0))
    other = CAR.repaint(z)
    apart = (CAR.traits(z) - CAR.traits(other)).abs().amax(dim=0)
    assert torch.allclose(CAR.palette(z).flatten(1), CAR.traits(z)[:, -30:])
    assert (apart[-30:] > 1e-3).any() and apart[: len(CAR.classes)].max() < 1e-4


def test_w_learns_the_traits():
    torch.manual_seed(0)
    network = MappingNetwork(CAR.z_dim, 160)
    before = [p.clone() for p in network.parameters()]
    seen = align(network, CAR, steps=120, batch=128)
    assert seen.mean() > 0.6
    assert all((a != b).any() for a, b in zip(before, network.parameters(), strict=True))
    assert not any(p.requires_grad for p in network.parameters())
    # The leading entries of w are the traits, each on an axis of its own.
    z = torch.randn(2048, CAR.z_dim)
    truth = standardised(CAR)(z)
    assert explained(network(z)[:, : truth.shape[1]], truth).mean() > 0.45


def test_explained_is_one_for_the_truth_and_zero_for_the_mean():
    truth = torch.randn(500, 3)
    assert torch.allclose(explained(truth, truth), torch.ones(3))
    assert explained(truth.mean(dim=0).expand_as(truth), truth).abs().max() < 0.01
