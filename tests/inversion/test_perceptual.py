"""Perceptual distances against their definitions, and who is chosen when."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.formulas import FORMULAS
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.imagenet import LITE0
from spir.imagenet import frozen as imagenet_network
from spir.inversion import perceptual
from spir.inversion.perceptual import EncoderDistance, ImagenetDistance, LpipsDistance, choose_perceptual
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.weights import WEIGHTS, load


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


def test_encoder_distance_is_twice_one_minus_cosine(toy):
    distance = EncoderDistance(toy.encoder)
    a, b = pictures(0), pictures(1)
    found = distance.distance(distance.features(*a), distance.features(*b))
    stages = list(zip(toy.encoder.features(*a), toy.encoder.features(*b), strict=True))
    parts = [(2 - 2 * torch.cosine_similarity(x, y, dim=1)).mean((1, 2)) for x, y in stages]
    assert torch.allclose(found, torch.stack(parts).mean(0), atol=1e-5)


@pytest.fixture(scope="module")
def painted():
    """Two procedural cars before grey, 128 pixels wide, and their masks."""
    torch.manual_seed(4)
    formula = FORMULAS["car"]
    like = torch.ones(2)
    pose = look_at_pose(35 * like, 12 * like, focal=3 * like, scale=0.95 * like)
    field = formula.field(torch.randn(2, formula.z_dim))
    with torch.no_grad():
        seen = render(field, camera_from_pose(pose), RenderConfig(size=128, samples=8))
    return seen.rgb, seen.alpha


def imagenet(scale: float = 1.0) -> ImagenetDistance:
    return ImagenetDistance(imagenet_network(LITE0, "cpu"), scale)


def test_imagenet_features_see_a_blur_that_the_encoder_hardly_sees(painted):
    rgb, mask = painted
    soft = F.avg_pool2d(rgb.permute(0, 3, 1, 2), 5, 1, 2).permute(0, 2, 3, 1)
    encoder = load(WEIGHTS / "car" / "encoder.safetensors", Encoder, EncoderConfig)[0]

    def blur_against_another_car(distance):
        sharp = distance.features(rgb, mask)
        with torch.no_grad():
            blurred = distance.distance(distance.features(soft, mask), sharp)
            other = distance.distance(distance.features(rgb.flip(0), mask.flip(0)), sharp)
        return (blurred / other).max().item(), (blurred / other).min().item()

    assert blur_against_another_car(imagenet())[1] > 0.2
    assert blur_against_another_car(imagenet(0.75))[1] > 0.1
    assert blur_against_another_car(EncoderDistance(encoder))[0] < 0.05


def test_imagenet_distance_tolerates_a_pixel(painted):
    rgb, mask = painted
    distance = imagenet()
    moved = distance.distance(*(distance.features(x, mask) for x in (rgb, rgb.roll(1, 2))))
    other = distance.distance(*(distance.features(x, mask) for x in (rgb, rgb.flip(0))))
    assert (moved < 0.1 * other).all()


@pytest.mark.parametrize("kind", ["encoder", "lpips", "imagenet"])
def test_distances_vanish_for_equals_and_their_gradients_are_finite_even_for_nothing(kind, toy):
    kinds = {
        "encoder": lambda: EncoderDistance(toy.encoder),
        "lpips": lambda: LpipsDistance(Lpips().eval()),
        "imagenet": imagenet,
    }
    distance = kinds[kind]()
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
    present = SimpleNamespace(installed=True, imagenet=True)
    monkeypatch.setattr(perceptual, "find_spec", lambda name: present.installed or None)
    monkeypatch.setattr(perceptual, "available", lambda config: present.imagenet)
    monkeypatch.setitem(sys.modules, "lpips", package)
    present.package, present.folder, present.setenv = package, tmp_path, monkeypatch.setenv
    return present


def test_without_the_backbone_imagenet_features_do_it_and_without_their_package_the_encoder(machine, toy):
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), ImagenetDistance)
    machine.imagenet = False
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), EncoderDistance)
    with pytest.raises(RuntimeError, match="pip install"):
        choose_perceptual(toy.encoder, "cpu", "imagenet")


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
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), ImagenetDistance)


def test_a_failed_download_falls_back_unless_lpips_was_asked_for(machine, toy):
    machine.setenv("SPIR_ALLOW_DOWNLOAD", "1")

    def broken(net, verbose):
        raise OSError("no network")

    machine.package.LPIPS = broken
    assert isinstance(choose_perceptual(toy.encoder, "cpu"), ImagenetDistance)
    with pytest.raises(RuntimeError, match="LPIPS cannot run"):
        choose_perceptual(toy.encoder, "cpu", "lpips")
    with pytest.raises(ValueError, match="none of"):
        choose_perceptual(toy.encoder, "cpu", "mse")
