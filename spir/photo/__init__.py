"""Photo to Cutout: decode a file, find the object, cut it out as the networks want it."""

from spir.photo.cutout import cutout, largest_component, read_mask, same_proportions
from spir.photo.decode import PhotoError, read_photo
from spir.photo.segment import Segmenter, choose_segmenter

__all__ = [
    "PhotoError",
    "Segmenter",
    "choose_segmenter",
    "cutout",
    "largest_component",
    "read_mask",
    "read_photo",
    "same_proportions",
]
