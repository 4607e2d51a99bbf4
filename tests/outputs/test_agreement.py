"""Silhouettes and colours compared: against counting by hand, closed forms and scikit-image."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from spir.metrics.images import PSNR_CAP, iou, psnr


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
