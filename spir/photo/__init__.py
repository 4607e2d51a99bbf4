"""Photo to Cutout: decode a file, find the object, cut it out as the networks want it."""

from spir.photo.cutout import cutout, largest_component, read_mask, same_proportions
from spir.photo.decode import PhotoError, read_photo
from spir.photo.finding import Segmentation
from spir.photo.segment import PREFERENCES, Segmenter, able, choose_segmenter, find

__all__ = [
    "PREFERENCES",
    "Segmentation",
    "PhotoError",
    "Segmenter",
    "able",
    "choose_segmenter",
    "cutout",
    "find",
    "largest_component",
    "read_mask",
    "read_photo",
    "same_proportions",
]
