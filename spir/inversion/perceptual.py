"""§3.3, the perceptual distance that inversion minimises, behind one protocol.

The paper's is LPIPS with VGG16. Where its backbone is neither present nor may be downloaded, the features of our
own encoder, which is trained only on such objects, are used.
"""

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

BACKBONE = "vgg16-397923af.pth"
"""The file name of torchvision's VGG16 in the hub's folder of checkpoints."""
PREFERENCES = ("auto", "lpips", "encoder")
SHORTEST = 1e-4
"""Feature vectors of at most this length are treated as zero. LPIPS has 1e-10, where gradients overflow."""
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


class EncoderDistance:
    """Squared difference of the encoder's unit features, averaged over pixels and weighted over its stages.

    Each stage contributes at most 4 times its weight."""

    name = "features of the encoder"

    def __init__(self, encoder: FeatureNetwork, weights: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)):
        self.encoder = encoder
        self.weights = weights

    def features(
        self, rgb: Float[Tensor, "batch size size 3"], mask: Float[Tensor, "batch size size"]
    ) -> Features:
        return tuple(unit(stage) for stage in self.encoder.features(rgb, mask))

    def distance(self, ours: Features, theirs: Features) -> Float[Tensor, " batch"]:
        parts = [
            weight * (a - b).square().sum(1).mean((1, 2))
            for weight, a, b in zip(self.weights, ours, theirs, strict=True)
        ]
        return torch.stack(parts).sum(0)


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
    encoder: FeatureNetwork, device: torch.device | str, preference: str = "auto"
) -> Perceptual:
    """Return the best distance that can run here, or the one requested by a name of `PREFERENCES`.

    Raises RuntimeError where LPIPS is requested and cannot run."""
    if preference not in PREFERENCES:
        raise ValueError(f"{preference!r} is none of {', '.join(PREFERENCES)}")
    if preference == "encoder" or (preference == "auto" and not lpips_available()):
        return EncoderDistance(encoder)
    try:
        return load_lpips(device)
    except Exception as problem:
        # An incomplete installation or a failed download: both lead to the fallback.
        if preference == "auto":
            return EncoderDistance(encoder)
        raise RuntimeError(
            "LPIPS cannot run here. Install the lpips package and put its VGG16 backbone into torch's "
            "cache (SPIR_ALLOW_DOWNLOAD=1 fetches it), or use the encoder's features."
        ) from problem
