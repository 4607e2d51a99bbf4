"""What is asked of every photo: enough to tell whether a result on disk is the one that is wanted."""

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
WHERE = ("device", "weights")
"""Settings that say where, not what; of the weights their hash counts."""


@dataclass(frozen=True)
class Settings:
    """The same for all photos of a run."""

    category: str = "car"
    steps: int = 10
    seed: int = 0
    margin: float = MARGIN
    """Room around the object, as a fraction of its box."""
    segmenter: str = "auto"
    loss: str = "auto"
    as_published: bool = False
    """Without what is ours and not the paper's."""
    mesh_resolution: int = 128
    """Samples along the cube's side; 0 = no mesh."""
    frames: int = FRAMES
    """Of the turntable; 0 = none."""
    texture: int = DEFAULT_TEXTURE
    """Texels a side of the photo's detail on the mesh, one of `TEXTURE_SIZES`; 0 = the generator's colours alone."""
    quality: str = "usual"
    """One of `QUALITIES`; "fine" goes on for ten steps on a larger picture."""
    device: str = "auto"
    weights: str = str(WEIGHTS)
    """A folder with one folder a category."""

    @property
    def textured(self) -> bool:
        """Whether there is a surface to take the photo's detail; the authors have none."""
        return bool(self.texture and self.mesh_resolution) and not self.as_published

    def load(self) -> Reconstructor:
        """The networks. Raises WeightsError, and ValueError where a preference cannot be met."""
        preferences = {"segmenter": self.segmenter, "loss": self.loss, "as_published": self.as_published}
        return Reconstructor.load(self.category, self.device, self.weights, **preferences)

    def request(self, weights_hash: str, photo: bytes | None, mask: bytes | None) -> dict:
        """Everything that a result depends on, for JSON; equal means that there is nothing to do again.

        The bytes of photo and mask count, not their names: a photo that was replaced is another one."""
        numbers = {name: value for name, value in asdict(self).items() if name not in WHERE}
        return {
            **numbers,
            "code": code_version(),
            "weights": weights_hash,
            "photo": digest(photo),
            "mask": digest(mask),
        }


def digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
