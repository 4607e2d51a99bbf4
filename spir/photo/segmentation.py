"""§4 "Experimental setting", masks: chooses what segments the object in the photo.

The order is: the photo's own alpha channel if it has one; rembg where it can run; our own network where its file
exists; the built-in graph cut. For the kinds of `OURS_ALONE` and `OURS_WITH_REMBG` our own network replaces or joins
rembg. In every case it classifies what the photo shows.
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
"""What may be asked for by name; "auto" takes the first of the others that can run, but for the next two."""
# Mean IoU with given masks, least in brackets (spir.evaluate.benchmarks.segmenters):
#              ours             rembg (IS-Net)    geometric mean of both masks
#   24 cars    0.931 (0.867)    0.945 (0.834)     0.943 (0.873)
#   14 birds   0.783 (0.280)    0.820 (0.530)     0.850 (0.567)
#   12 chairs  0.781 (0.305)    0.791 (0.267)     0.788 (0.309)
# Ours takes a twenty-fifth of the time. No car is lost to it, so the time decides there. Of chairs each loses
# some, and both together gain nothing: they stay with rembg. Planes have not been measured.
OURS_ALONE = ("car",)
"""Kinds that our own network segments instead of rembg, where it sees that kind in the photo."""
OURS_WITH_REMBG = ("bird",)
"""Kinds that are segmented by the geometric mean of both masks, whatever our network takes the object for."""


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
    ours = OnnxSegmenter()
    known = ours.segment(on_paper(photo)) if ours.available() else None
    segmenter = choose_segmenter(photo, category, known, preference, model)
    if known is not None and segmenter == ours:
        return known
    mask, name = segmenter(photo, category), segmenter.name
    if known is None:
        return Segmentation(mask, name)
    if preference == "auto" and category.kind in OURS_WITH_REMBG and isinstance(segmenter, RembgSegmenter):
        both = (known.mask * mask).sqrt()
        # Where they agree on nothing, one of them saw another object, and rembg is right more often.
        if (both >= 0.5).any():
            mask, name = both, f"{known.segmenter} and {name}"
    return replace(known, mask=mask, segmenter=name)


def on_paper(photo: Photo) -> Photo:
    """Composite the photo over white where it is transparent: hidden colours there are no real background."""
    if photo.alpha is None:
        return photo
    cover = photo.alpha[..., None].float() / 255
    return Photo((photo.rgb * cover + 255 * (1 - cover)).round().to(torch.uint8))


def choose_segmenter(
    photo: Photo,
    category: Category,
    known: Segmentation | None = None,
    preference: str = "auto",
    model: str = REMBG_MODEL,
) -> Segmenter:
    """Return the best segmenter that can run on this photo, or the one requested by a name of `PREFERENCES`.

    `known` is our own network's result, None where it is absent. Raises PhotoError where the requested one cannot run."""
    if preference not in PREFERENCES:
        raise ValueError(f"{preference!r} is none of {', '.join(PREFERENCES)}")
    wanted = preference if preference != "auto" else best_available(photo, category, known, model)
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


def best_available(photo: Photo, category: Category, known: Segmentation | None, model: str) -> str:
    """Return the first of `PREFERENCES` that can run on this photo, or our own network where it is the better one."""
    first = next(name for name in available_segmenters(photo, model) if name != "auto")
    return (
        "trained" if first == "rembg" and known is not None and ours_first(category, known, model) else first
    )


def ours_first(category: Category, known: Segmentation, model: str) -> bool:
    """Return whether our own network comes before rembg."""
    if category.kind in OURS_WITH_REMBG:
        # A second opinion is not worth the wait for a download.
        return not RembgSegmenter(model).at_hand()
    # What our network does not recognise, it does not segment well either.
    return category.kind in OURS_ALONE and known.kind == category.kind
