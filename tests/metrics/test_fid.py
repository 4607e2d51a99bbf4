"""The Fréchet distance against closed forms, and who looks at the pictures."""

import pytest
import torch

from spir.bootstrap.encoder import Encoder
from spir.categories import CATEGORIES
from spir.generator.generator import Generator
from spir.geometry.pose import look_at_pose
from spir.metrics import fid
from tests.tiny import ENCODER, GENERATOR


def normal(mean, covariance) -> fid.Statistics:
    return fid.Statistics(torch.tensor(mean).double(), torch.tensor(covariance).double(), 100)


def test_normal_distributions_that_commute_have_a_closed_form():
    a, b = normal([1.0, 2.0], [[4.0, 0.0], [0.0, 9.0]]), normal([0.0, 4.0], [[1.0, 0.0], [0.0, 1.0]])
    assert fid.frechet_distance(a, b) == pytest.approx(1 + 4 + (2 - 1) ** 2 + (3 - 1) ** 2)
    assert fid.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_others_agree_with_the_eigenvalues_of_the_product():
    torch.manual_seed(0)
    x, y = torch.randn(40, 6).double(), torch.randn(50, 6).double() @ torch.randn(6, 6).double() + 1
    a, b = fid.statistics(x), fid.statistics(y)
    roots = torch.linalg.eigvals(a.covariance @ b.covariance).real.clamp(min=0).sqrt().sum()
    expected = (a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace() - 2 * roots
    assert fid.frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-6)
    assert torch.allclose(a.covariance, torch.cov(x.T))


def test_fewer_pictures_than_features_do_no_harm():
    torch.manual_seed(0)
    a, b = (fid.statistics(torch.randn(5, 30)) for _ in range(2))
    assert 0 < fid.frechet_distance(a, b) < 1e3
    with pytest.raises(ValueError, match="two pictures"):
        fid.statistics(torch.randn(1, 4))


class Doubled(fid.EncoderFeatures):
    """Features twice as long."""

    def __call__(self, rgb, mask):
        return 2 * super().__call__(rgb, mask)


def test_samples_are_always_the_same_and_the_encoder_sees_them():
    torch.manual_seed(0)
    generator, encoder = Generator(GENERATOR).eval(), Encoder(ENCODER).eval()
    generator.beta.data.fill_(0.05)
    generator.alpha.data.fill_(0.05)
    pose = look_at_pose(torch.tensor([0.0, 90.0]), torch.zeros(2), focal=torch.full((2,), 2.0))
    features = fid.choose_features(encoder, "cpu")
    assert isinstance(features, fid.Features) and features.name.startswith("feature-FID")
    draw = lambda seed: fid.samples(generator, pose, CATEGORIES["car"], 3, 32, seed)  # noqa: E731
    one, again, other = (fid.look_at([features], draw(seed))[0] for seed in (0, 0, 1))
    assert one.count == 3 and torch.equal(one.mean, again.mean) and not torch.equal(one.mean, other.mean)
    # Two networks look at the same pictures, each for itself.
    both = fid.look_at([features, Doubled(encoder)], draw(0))
    assert torch.equal(both[0].mean, one.mean) and torch.allclose(both[1].covariance, 4 * one.covariance)


def test_inception_is_asked_in_its_own_range():
    class Network(torch.nn.Module):
        def forward(self, picture):
            assert picture.shape[1] == 3 and picture.min() >= 0 and picture.max() <= 1
            return [picture.repeat(1, 2, 1, 1)]

    rgb = torch.tensor([-1.5, 0.0, 1.0]).expand(2, 4, 4, 3)
    found = fid.InceptionFeatures(Network())(rgb, torch.ones(2, 4, 4))
    assert torch.allclose(found, torch.tensor([0.0, 0.5, 1.0]).repeat(2).expand(2, -1))
