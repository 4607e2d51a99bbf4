"""Perceptual distances against their definitions, and who is chosen when."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from spir.inversion import perceptual
from spir.inversion.perceptual import EncoderDistance, LpipsDistance, choose_perceptual


class Lpips(nn.Module):
    """The parts of lpips.LPIPS that count, small: scaling, two layers of features, two linear heads."""

    def __init__(self, net="vgg", verbose=True):
        super().__init__()
        assert net == "vgg"
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 5, 3, stride=2)
        self.lins = nn.ModuleList(nn.Sequential(nn.Dropout(), nn.Conv2d(n, 1, 1, bias=False)) for n in (6, 5))

    def scaling_layer(self, x):
        return (x + 0.1) / 0.5

    def net(self, x):
        one = torch.relu(self.first(x))
        return [one, torch.relu(self.second(one))]

    def forward(self, a, b):
        """As published: unit features, squared difference, heads, mean over pixels, sum over layers."""
        total = 0
        for x, y, lin in zip(
            self.net(self.scaling_layer(a)), self.net(self.scaling_layer(b)), self.lins, strict=True
        ):
            x = x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)
            y = y / (y.square().sum(1, keepdim=True).sqrt() + 1e-10)
            total = total + lin((x - y) ** 2).mean((2, 3))
        return total[:, 0]


def pictures(seed=0, batch=2, size=32):
    g = torch.Generator().manual_seed(seed)
    rgb = 2 * torch.rand(batch, size, size, 3, generator=g) - 1
    return rgb, torch.rand(batch, size, size, generator=g)


def test_lpips_in_two_halves_is_lpips():
    network = Lpips().eval()
    distance = LpipsDistance(network)
    (a, mask), (b, _) = pictures(0), pictures(1)
    found = distance.distance(distance.features(a, mask), distance.features(b, mask))
    expected = network(a.permute(0, 3, 1, 2), b.permute(0, 3, 1, 2))
    assert torch.allclose(found, expected, atol=1e-6)


def test_encoder_distance_is_weighted_twice_one_minus_cosine(toy):
    distance = EncoderDistance(toy.encoder, (1.0, 0.5, 0.25, 0.0))
    a, b = pictures(0), pictures(1)
    found = distance.distance(distance.features(*a), distance.features(*b))
    expected = torch.zeros(2)
    for weight, x, y in zip(
        distance.weights, toy.encoder.features(*a), toy.encoder.features(*b), strict=True
    ):
        expected += weight * (2 - 2 * torch.cosine_similarity(x, y, dim=1)).mean((1, 2))
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["encoder", "lpips"])
def test_distances_vanish_for_equals_and_their_gradients_are_finite_even_for_nothing(kind, toy):
    distance = EncoderDistance(toy.encoder) if kind == "encoder" else LpipsDistance(Lpips().eval())
    rgb, mask = pictures()
    same = distance.distance(distance.features(rgb, mask), distance.features(rgb, mask))
    assert torch.equal(same, torch.zeros(2))
    blank = torch.zeros_like(rgb, requires_grad=True)
    loss = distance.distance(distance.features(blank, mask * 0), distance.features(rgb, mask))
    (gradient,) = torch.autograd.grad(loss.sum(), blank)
    assert (loss > 0).all() and gradient.isfinite().all()


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine whose lpips package and hub folder are ours to arrange."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.delenv("SPIR_ALLOW_DOWNLOAD", raising=False)
    package = ModuleType("lpips")
    package.LPIPS = Lpips
    present = SimpleNamespace(installed=True)
    monkeypatch.setattr(perceptual, "find_spec", lambda name: present.installed or None)
    monkeypatch.setitem(sys.modules, "lpips", package)
    present.package, present.folder, present.setenv = package, tmp_path, monkeypatch.setenv
    return present


def test_without_the_backbone_the_encoder_does_it(machine, toy):
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), EncoderDistance)


@pytest.mark.parametrize("how", ["cached", "download"])
def test_lpips_is_taken_where_its_backbone_is_or_may_be_fetched(machine, toy, how):
    if how == "cached":
        (machine.folder / "checkpoints").mkdir()
        (machine.folder / "checkpoints" / perceptual.BACKBONE).write_bytes(b"weights")
    else:
        machine.setenv("SPIR_ALLOW_DOWNLOAD", "1")
    chosen = choose_perceptual(toy.encoder, "cpu")
    assert isinstance(chosen, LpipsDistance) and not chosen.network.training
    assert not any(p.requires_grad for p in chosen.network.parameters())
    assert isinstance(choose_perceptual(toy.encoder, "cpu", "encoder"), EncoderDistance)
    machine.installed = False
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), EncoderDistance)


def test_a_failed_download_falls_back_unless_lpips_was_asked_for(machine, toy):
    machine.setenv("SPIR_ALLOW_DOWNLOAD", "1")

    def broken(net, verbose):
        raise OSError("no network")

    machine.package.LPIPS = broken
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), EncoderDistance)
    with pytest.raises(RuntimeError, match="LPIPS cannot run"):
        choose_perceptual(toy.encoder, "cpu", "lpips")
    with pytest.raises(ValueError, match="none of"):
        choose_perceptual(toy.encoder, "cpu", "mse")
