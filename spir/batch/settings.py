"""Define what is asked of every photo, so that a stored result can be compared with the current request."""

import hashlib
from dataclasses import asdict, dataclass

from spir.outputs.files import TEXTURE_SIZES
from spir.outputs.views import FRAMES
from spir.photo.cutout import MARGIN
from spir.pipeline import Reconstructor
from spir.runtime import code_version
from spir.weights import WEIGHTS

DEFAULT_TEXTURE = TEXTURE_SIZES[0]
QUALITIES = ("usual", "fine")
LOCATION_SETTINGS = ("device", "weights")
"""The settings that say where and not what; for the weights their hash counts."""


@dataclass(frozen=True)
class Settings:
    """The settings are the same for all photos of a run."""

    category: str = "car"
    steps: int = 10
    seed: int = 0
    margin: float = MARGIN
    """The room around the object, as a fraction of its box."""
    segmenter: str = "auto"
    loss: str = "auto"
    as_published: bool = False
    """Whether to leave out what the paper does not have."""
    mesh_resolution: int = 128
    """The number of samples along the cube's side; 0 = no mesh."""
    frames: int = FRAMES
    """The number of frames of the turntable; 0 = no turntable."""
    texture: int = DEFAULT_TEXTURE
    """The number of texels along a side of the texture, one of `TEXTURE_SIZES`; 0 = the generator's colours
    alone."""
    quality: str = "usual"
    """One of `QUALITIES`; "fine" continues for ten steps on a larger cut-out."""
    device: str = "auto"
    weights: str = str(WEIGHTS)
    """A folder with one folder per category."""

    @property
    def textured(self) -> bool:
        """Whether a surface with the photo's detail is made; the authors have none."""
        return bool(self.texture and self.mesh_resolution) and not self.as_published

    def load(self) -> Reconstructor:
        """Load the networks. Raises WeightsError, and ValueError where a preference cannot be met."""
        preferences = {"segmenter": self.segmenter, "loss": self.loss, "as_published": self.as_published}
        return Reconstructor.load(self.category, self.device, self.weights, **preferences)

    def request(self, weights_hash: str, photo: bytes | None, mask: bytes | None) -> dict:
        """Return everything that a result depends on, for JSON; equal requests have equal results.

        The bytes of photo and mask count, not their names: a photo that was replaced is a new request."""
        numbers = {name: value for name, value in asdict(self).items() if name not in LOCATION_SETTINGS}
        return {
            **numbers,
            "code": code_version(),
            "weights": weights_hash,
            "photo": digest(photo),
            "mask": digest(mask),
        }


def digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
