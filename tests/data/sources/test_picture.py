"""Masks of reduced photos, and the frame's own axes."""

import numpy as np
import pytest
import torch

from spir.data.sources.picture import masked
from spir.geometry.frame import Frame
from spir.photo import PhotoError
from spir.types import Photo


def test_a_mask_of_the_full_size_fits_the_reduced_photo():
    photo = Photo(torch.zeros(20, 30, 3, dtype=torch.uint8))
    mask = np.zeros((100, 150), bool)
    mask[:50, 75:] = True
    alpha = masked(photo, mask).alpha
    assert (alpha[:10, 15:] == 255).all() and alpha.sum() == 255 * 10 * 15
    with pytest.raises(PhotoError, match="does not fit"):
        masked(photo, mask.T.copy())


def test_the_axes_of_a_frame_are_a_rotation_onto_ours():
    for up, front in (((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)), ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))):
        axes = Frame(up, front, 2.0).axes
        assert np.allclose(axes @ up, (0, 1, 0)) and np.allclose(axes @ front, (0, 0, 1))
        assert np.isclose(np.linalg.det(axes), 1)
