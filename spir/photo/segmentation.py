"""§4 "Experimental setting", masks: chooses what segments the object in the photo.

The order is: the photo's own alpha channel if it has one; rembg where it can run; our own network where its file
exists; the built-in graph cut. In every case our own network classifies what the photo shows.
"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from spir.categories import Category
from spir.errors import PhotoError
from spir.photo.segmenters.alpha import NO_ALPHA, AlphaSegmenter
from spir.photo.segmenters.grabcut import GrabCutSegmenter
from spir.photo.segmenters.onnx import OnnxSegmenter
from spir.photo.segmenters.rembg import REMBG_MODEL, RembgSegmenter, network
from spir.types import Photo, Segmentation

PREFERENCES = ("auto", "alpha", "rembg", "trained", "built-in")


@runtime_checkable
class Segmenter(Protocol):
    """Segments the object of a category in a photo. It is stateless: one instance may serve many users."""

    @property
    def name(self) -> str:
        """The name that the page shows."""
        ...

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        """Return how much each pixel belongs to the object, in [0, 1], at the photo's size."""
        ...


def segment(
    photo: Photo, category: Category, preference: str = "auto", model: str = REMBG_MODEL
) -> Segmentation:
    """Segment the object with the segmenter of `choose_segmenter`, and classify the photo with our own network where it exists.

    Raises PhotoError where the requested segmenter cannot run."""
    segmenter, ours = choose_segmenter(photo, preference, model), OnnxSegmenter()
    known = ours.segment(on_paper(photo)) if ours.available() else None
    if known is not None and segmenter == ours:
        return known
    mask = segmenter(photo, category)
    if known is None:
        return Segmentation(mask, segmenter.name)
    return replace(known, mask=mask, segmenter=segmenter.name)


def on_paper(photo: Photo) -> Photo:
    """Composite the photo over white where it is transparent: hidden colours there are no real background."""
    if photo.alpha is None:
        return photo
    cover = photo.alpha[..., None].float() / 255
    return Photo((photo.rgb * cover + 255 * (1 - cover)).round().to(torch.uint8))


def choose_segmenter(photo: Photo, preference: str = "auto", model: str = REMBG_MODEL) -> Segmenter:
    """Return the best segmenter that can run on this photo, or the one requested by a name of `PREFERENCES`.

    Raises PhotoError where the requested one cannot run."""
    if preference not in PREFERENCES:
        raise ValueError(f"{preference!r} is none of {', '.join(PREFERENCES)}")
    wanted = preference if preference != "auto" else first_available(photo, model)
    if wanted == "alpha":
        if not AlphaSegmenter.available(photo):
            raise PhotoError(NO_ALPHA)
        return AlphaSegmenter()
    if wanted == "rembg":
        return require_rembg(model)
    if wanted == "trained":
        if not OnnxSegmenter().available():
            raise PhotoError("Our cut-out network is not here. Use the built-in cut-out.")
        return OnnxSegmenter()
    return GrabCutSegmenter()


def available_segmenters(photo: Photo, model: str = REMBG_MODEL) -> tuple[str, ...]:
    """Return those of `PREFERENCES` that can segment this photo now."""
    there = {
        "alpha": AlphaSegmenter.available(photo),
        "rembg": RembgSegmenter(model).available(),
        "trained": OnnxSegmenter().available(),
    }
    return tuple(name for name in PREFERENCES if there.get(name, True))


def require_rembg(model: str) -> RembgSegmenter:
    """Return rembg's segmenter. Raises PhotoError where it is not available, or still loading."""
    here = network(model)
    if here.session is None and not here.obtainable:
        raise PhotoError(f"rembg or its network {model} is not installed here. Use the automatic cut-out.")
    if here.loading:
        raise PhotoError(
            f"The cut-out network {model} is still on its way ({here.fetched()} MB so far). "
            "Try again in a minute, or use the automatic cut-out."
        )
    return RembgSegmenter(model)


def first_available(photo: Photo, model: str) -> str:
    """Return the first of `PREFERENCES` that can run on this photo."""
    return next(name for name in available_segmenters(photo, model) if name != "auto")
