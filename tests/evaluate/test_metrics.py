"""Metrics against brute force, closed forms and scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from spir.geometry.rotation import rotation_from_view
from spir.metrics.images import azimuth_error_deg, ssim


def pictures(seed, size=20, spread=1.0):
    g = torch.Generator().manual_seed(seed)
    return spread * (2 * torch.rand(2, size, size + 3, 3, generator=g) - 1)


def test_ssim_is_that_of_scikit_image():
    a = pictures(6)
    b = 0.7 * a + 0.3 * pictures(7)
    ours = ssim(a, b)
    for i in range(2):
        unit = [(p[i].double().numpy() + 1) / 2 for p in (a, b)]
        theirs = structural_similarity(unit[0], unit[1], channel_axis=-1, data_range=1)
        assert abs(ours[i].item() - theirs) < 1e-6


def test_ssim_by_hand_over_every_window():
    a, b = pictures(8, size=9)[:1], pictures(9, size=9)[:1]
    values = []
    for c in range(3):
        p, q = ((x[0, ..., c].double().numpy() + 1) / 2 for x in (a, b))
        for y in range(p.shape[0] - 6):
            for x in range(p.shape[1] - 6):
                u, v = p[y : y + 7, x : x + 7].ravel(), q[y : y + 7, x : x + 7].ravel()
                covariance = np.cov(u, v)
                up = (2 * u.mean() * v.mean() + 1e-4) * (2 * covariance[0, 1] + 9e-4)
                down = (u.mean() ** 2 + v.mean() ** 2 + 1e-4) * (covariance[0, 0] + covariance[1, 1] + 9e-4)
                values.append(up / down)
    assert abs(ssim(a, b).item() - np.mean(values)) < 1e-6


def test_ssim_of_the_same_picture_is_one():
    assert torch.allclose(ssim(pictures(10), pictures(10)), torch.ones(2))


@pytest.mark.parametrize(
    "first, second, expected", [(170, -170, 20), (10, -170, 180), (0, 90, 90), (-5, -5, 0)]
)
def test_azimuth_error_goes_the_short_way_round(first, second, expected):
    at = [
        rotation_from_view(*(torch.tensor([float(v)]) for v in (a, e, r)))
        for a, e, r in ((first, 20, 5), (second, -3, -8))
    ]
    assert abs(azimuth_error_deg(at[0], at[1]).item() - expected) < 1e-2
