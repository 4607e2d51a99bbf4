"""§4 "Experimental setting", masks: who in the photo is the object.

The photo's own alpha channel if it has one; else rembg where it can run; else the built-in graph cut.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from spir.categories import Category
from spir.photo.decode import PhotoError
from spir.photo.grabcut import GrabCutSegmenter
from spir.types import Photo

REMBG_MODEL = "isnet-general-use"
PREFERENCES = ("auto", "alpha", "rembg", "built-in")


@runtime_checkable
class Segmenter(Protocol):
    """Finds the object of a category in a photo. Stateless: one may serve many visitors."""

    name: str
    """As the page shows it."""

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        """How much each pixel belongs to the object, in [0, 1], at the photo's size."""


class AlphaSegmenter:
    """Somebody has cut the object out already."""

    name = "the photo's own transparency"

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        if photo.alpha is None:
            raise PhotoError("This photo has no transparent background. Use the automatic cut-out.")
        return photo.alpha.float() / 255

    @staticmethod
    def available(photo: Photo) -> bool:
        """Whether the alpha channel really parts the picture in two."""
        return photo.alpha is not None and bool((photo.alpha >= 128).any() and (photo.alpha < 128).any())


@dataclass(frozen=True)
class RembgSegmenter:
    """The salient object, by one of the networks of the optional package rembg."""

    model: str = REMBG_MODEL

    @property
    def name(self) -> str:
        return f"rembg ({self.model})"

    def available(self) -> bool:
        """Whether it can run now, without importing it (that takes seconds)."""
        if find_spec("rembg") is None:
            return False
        return os.environ.get("SPIR_ALLOW_DOWNLOAD") == "1" or self.file.is_file()

    @property
    def file(self) -> Path:
        """Where rembg keeps the network."""
        home = os.environ.get("U2NET_HOME") or Path(os.environ.get("XDG_DATA_HOME", "~"), ".u2net")
        return Path(home, f"{self.model}.onnx").expanduser()

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        try:
            import rembg

            picture = Image.fromarray(photo.rgb.cpu().numpy())
            mask = rembg.remove(picture, session=session(self.model), only_mask=True)
        except Exception as problem:
            # A missing model, a failed download or a foreign runtime: to the visitor it is one thing.
            raise PhotoError(
                f"The cut-out network {self.model} could not run. "
                "Use the built-in cut-out, or paint over the object with the brush."
            ) from problem
        return torch.from_numpy(np.asarray(mask.convert("L"), np.float32) / 255)


@lru_cache(maxsize=2)
def session(model: str):
    """rembg's loaded network; the only thing kept between photos."""
    import rembg

    return rembg.new_session(model)


def choose_segmenter(photo: Photo, preference: str = "auto", model: str = REMBG_MODEL) -> Segmenter:
    """The best segmenter that can run on this photo, or the one asked for by name of `PREFERENCES`.

    Raises PhotoError where the one asked for cannot run."""
    if preference not in PREFERENCES:
        raise ValueError(f"{preference!r} is none of {', '.join(PREFERENCES)}")
    rembg = RembgSegmenter(model)
    if preference == "alpha" or (preference == "auto" and AlphaSegmenter.available(photo)):
        if not AlphaSegmenter.available(photo):
            raise PhotoError("This photo has no transparent background. Use the automatic cut-out.")
        return AlphaSegmenter()
    if preference == "rembg" and not rembg.available():
        raise PhotoError(f"rembg or its network {model} is not installed here. Use the built-in cut-out.")
    if preference == "rembg" or (preference == "auto" and rembg.available()):
        return rembg
    return GrabCutSegmenter()
