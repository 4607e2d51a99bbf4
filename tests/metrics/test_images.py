"""Silhouettes, colours and directions compared: against counting by hand, closed forms and scikit-image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from spir.geometry.rotation import rotation_from_view
from spir.metrics.images import PSNR_CAP, azimuth_error_deg, iou, psnr, ssim


def pictures(seed, size=20, spread=1.0):
    g = torch.Generator().manual_seed(seed)
    return spread * (2 * torch.rand(2, size, size + 3, 3, generator=g) - 1)


def test_psnr_is_that_of_scikit_image():
    a, b = pictures(0), pictures(1)
    ours = psnr(a, b)
    for i in range(2):
        unit = [(p[i].double().numpy() + 1) / 2 for p in (a, b)]
        assert abs(ours[i] - peak_signal_noise_ratio(unit[0], unit[1], data_range=1)) < 1e-4


def test_psnr_of_a_known_difference():
    a = torch.zeros(1, 4, 4, 3)
    assert abs(psnr(a, a + 0.2).item() - 20) < 1e-4  # 0.1 in [0, 1]


def test_psnr_in_a_mask_sees_only_the_mask():
    a, b = pictures(2), pictures(3)
    where = torch.rand(a.shape[:3], generator=torch.Generator().manual_seed(4)) < 0.3
    ours = psnr(a, b, where)
    for i in range(2):
        total, count = 0.0, 0
        for y, x in where[i].nonzero().tolist():
            total += sum(((a[i, y, x, c] - b[i, y, x, c]).item() / 2) ** 2 for c in range(3))
            count += 3
        assert abs(ours[i].item() + 10 * math.log10(total / count)) < 1e-3
    outside = torch.where(where[..., None], b, -b)
    assert torch.equal(psnr(a, outside, where), ours)


def test_psnr_is_capped_and_clamps_the_picture():
    a = pictures(5)
    assert (psnr(a, a) == PSNR_CAP).all()
    white = torch.ones(1, 4, 4, 3)
    assert psnr(white * 3, white).item() == PSNR_CAP


def test_iou_counts_pixels():
    g = torch.Generator().manual_seed(11)
    alpha, mask = torch.rand(3, 8, 9, generator=g), torch.rand(3, 8, 9, generator=g)
    ours = iou(alpha, mask)
    for i in range(3):
        pairs = [(a > 0.5, m > 0.5) for a, m in zip(alpha[i].flatten(), mask[i].flatten(), strict=True)]
        both, either = sum(bool(a and m) for a, m in pairs), sum(bool(a or m) for a, m in pairs)
        assert abs(ours[i].item() - both / either) < 1e-5


def test_iou_of_nothing():
    empty, full = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    assert iou(empty, empty).item() == 1 and iou(empty, full).item() < 1e-6


def test_iou_counted_by_hand():
    found, wanted = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    found[:, :, :2], wanted[:, :2] = 0.9, 0.6
    assert iou(found, wanted).item() == pytest.approx(4 / 12)


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
