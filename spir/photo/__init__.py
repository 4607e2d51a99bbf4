"""Photo to Cutout: decodes a file, segments the object and crops it as the networks expect it."""

from spir.errors import PhotoError
from spir.photo.cutout import cutout, largest_component, read_mask, same_proportions
from spir.photo.decode import read_photo
from spir.photo.segmentation import PREFERENCES, Segmenter, available_segmenters, choose_segmenter, segment

__all__ = [
    "PREFERENCES",
    "PhotoError",
    "Segmenter",
    "available_segmenters",
    "choose_segmenter",
    "cutout",
    "largest_component",
    "read_mask",
    "read_photo",
    "same_proportions",
    "segment",
]
