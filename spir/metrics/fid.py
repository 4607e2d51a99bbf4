"""§4 "Evaluation metrics", the Fréchet distance between the distributions of generated and of real pictures.

The paper's FID uses Inception features. Where its weights are not available, the features of an encoder of ours
are used; the number is then a "feature-FID", comparable only with itself, and only for the same encoder.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.bootstrap.encoder import Encoder, object_mean
from spir.categories import Category
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Pose

INCEPTION = "pt_inception-2015-12-05-6726825d.pth"
"""The file name of pytorch-fid's weights in the hub's folder of checkpoints."""
AT_ONCE = 32


@runtime_checkable
class Features(Protocol):
    """A feature network that maps a picture to one vector."""

    name: str
    """The name that tables show."""

    def __call__(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Float[Tensor, "batch width"]:
        """Return one feature vector per picture; rgb in [-1, 1], mask in [0, 1]."""
        ...


class EncoderFeatures:
    """Averages every stage of an encoder of ours over the object."""

    name = "feature-FID (encoder)"

    def __init__(self, encoder: Encoder):
        self.encoder = encoder

    def __call__(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Float[Tensor, "batch width"]:
        stages = self.encoder.features(rgb, mask)
        return torch.cat([object_mean(stage.float(), mask) for stage in stages], dim=1)


class InceptionFeatures:
    """Returns the 2048 features of pytorch-fid's Inception, as in the paper."""

    name = "FID (Inception)"

    def __init__(self, network: nn.Module):
        self.network = network

    def __call__(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Float[Tensor, "batch width"]:
        (features,) = self.network(((rgb + 1) / 2).clamp(0, 1).permute(0, 3, 1, 2))
        return F.adaptive_avg_pool2d(features, 1).flatten(1)


def choose_features(encoder: Encoder, device: torch.device | str) -> Features:
    """Return Inception where the pytorch-fid package and its weights exist (or SPIR_ALLOW_DOWNLOAD=1 permits the
    download), else the encoder."""
    cached = Path(torch.hub.get_dir(), "checkpoints", INCEPTION).is_file()
    if find_spec("pytorch_fid") and (cached or os.environ.get("SPIR_ALLOW_DOWNLOAD") == "1"):
        from pytorch_fid.inception import InceptionV3  # pyright: ignore[reportMissingImports]

        return InceptionFeatures(InceptionV3([3]).eval().requires_grad_(False).to(device))
    return EncoderFeatures(encoder)


@dataclass(frozen=True)
class Statistics:
    """The mean and covariance of a set of feature vectors, float64."""

    mean: Float[Tensor, " width"]
    covariance: Float[Tensor, "width width"]
    count: int


def statistics(features: Float[Tensor, "picture width"]) -> Statistics:
    """Return the mean and the unbiased covariance. Raises ValueError for fewer than two pictures."""
    if len(features) < 2:
        raise ValueError(f"a distribution wants two pictures at least, not {len(features)}")
    features = features.double().cpu()
    mean = features.mean(0)
    apart = features - mean
    return Statistics(mean, apart.T @ apart / (len(features) - 1), len(features))


@torch.no_grad()
def look_at(
    networks: Sequence[Features], batches: Iterable[tuple[Float[Tensor, "b s s 3"], Float[Tensor, "b s s"]]]
) -> list[Statistics]:
    """Return the statistics of pictures and masks that come in batches, as each of the networks sees them."""
    found = [[features(rgb, mask) for features in networks] for rgb, mask in batches]
    return [statistics(torch.cat(vectors)) for vectors in zip(*found, strict=True)]


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """Return |difference of means|^2 + trace(A + B - 2 (A B)^(1/2)), never negative.

    With fewer pictures than features the covariances are singular; the roots are taken of symmetric matrices,
    whose eigenvalues are real, so that no regularisation is needed."""
    root = symmetric_root(a.covariance)
    crossed = symmetric_root(root @ b.covariance @ root)
    spread = a.covariance.trace() + b.covariance.trace() - 2 * crossed.trace()
    return max(0.0, float((a.mean - b.mean).square().sum() + spread))


def symmetric_root(matrix: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """Return the square root of a symmetric positive semi-definite matrix; small negative eigenvalues from
    rounding are tolerated."""
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


@torch.no_grad()
def samples(
    generator: Generator, pose: Pose, category: Category, count: int, size: int, seed: int = 0
) -> Iterator[tuple[Float[Tensor, "b s s 3"], Float[Tensor, "b s s"]]]:
    """Render `count` random objects, each from one of the poses; the result is deterministic."""
    device = generator.alpha.device
    draws = torch.Generator().manual_seed(seed)
    view = RenderConfig.of(category, size=size, samples=24)
    for first in range(0, count, AT_ONCE):
        batch = min(AT_ONCE, count - first)
        z = torch.randn(batch, generator.config.z_dim, generator=draws).to(device)
        chosen = torch.randint(len(pose.scale), (batch,), generator=draws)
        seen = render(
            generator.field(generator.code(z)),
            camera_from_pose(pose.map(lambda part, chosen=chosen: part[chosen]).to(device)),
            view,
        )
        yield seen.rgb, seen.alpha
