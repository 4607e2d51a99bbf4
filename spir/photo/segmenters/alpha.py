"""The photo's own alpha channel as the mask, where the object is already cut out."""

from jaxtyping import Float
from torch import Tensor

from spir.categories import Category
from spir.errors import PhotoError
from spir.types import Photo

NO_ALPHA = "This photo has no transparent background. Use the automatic cut-out."


class AlphaSegmenter:
    """Uses the photo's alpha channel as the mask."""

    name = "the photo's own transparency"

    def __call__(self, photo: Photo, category: Category) -> Float[Tensor, "height width"]:
        if photo.alpha is None:
            raise PhotoError(NO_ALPHA)
        return photo.alpha.float() / 255

    @staticmethod
    def available(photo: Photo) -> bool:
        """Whether the alpha channel really separates object and background."""
        return photo.alpha is not None and bool((photo.alpha >= 128).any() and (photo.alpha < 128).any())
