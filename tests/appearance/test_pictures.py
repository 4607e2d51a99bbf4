"""Pictures: filling, sampling, cropping and the guided filter, against brute force."""

import numpy as np
import pytest

from spir.appearance.pictures import covered, displaced, guided, limited, push_pull, sample, square
from spir.appearance.warp import MOST, outline_warp

RANDOM = np.random.default_rng(0)


def test_sampling_is_bilinear_and_edges_go_on():
    picture = RANDOM.random((9, 7, 6)).astype(np.float32)
    places = RANDOM.uniform(-2, 11, (5000, 2)).astype(np.float32)
    found = sample(picture, places)
    x, y = places[:, 0].clip(0, 6), places[:, 1].clip(0, 8)
    left, top = np.floor(x).astype(int).clip(0, 5), np.floor(y).astype(int).clip(0, 7)
    a, b = (x - left)[:, None], (y - top)[:, None]
    upper = picture[top, left] * (1 - a) + picture[top, left + 1] * a
    lower = picture[top + 1, left] * (1 - a) + picture[top + 1, left + 1] * a
    # OpenCV counts in 32nds of a pixel.
    assert np.abs(found - upper * (1 - b) - lower * b).max() < 0.04


def test_a_filled_picture_keeps_what_was_known():
    values = RANDOM.random((40, 56, 5)).astype(np.float32)
    weight = (RANDOM.random((40, 56)) < 0.3).astype(np.float32)
    filled = push_pull(values * weight[..., None], weight)
    known = weight == 1
    assert np.allclose(filled[known], values[known], atol=1e-5)
    assert np.isfinite(filled).all() and filled.min() > -1e-3 and filled.max() < 1 + 1e-3


def test_filling_goes_on_with_the_nearest_colour():
    weight = np.zeros((32, 32), np.float32)
    weight[:, :4] = 1
    values = np.where(weight[..., None] > 0, np.float32((1.0, 0.5, 0.2)), 0).astype(np.float32)
    assert np.allclose(push_pull(values, weight), (1.0, 0.5, 0.2), atol=1e-4)


def test_a_square_may_leave_the_picture():
    picture = RANDOM.random((20, 30, 3)).astype(np.float32)
    inside = square(picture, (4, 2, 20, 18), 16)
    assert np.allclose(inside, picture[2:18, 4:20])
    outside = square(picture, (-8, -8, 8, 8), 16)
    assert np.allclose(outside[8:, 8:], picture[:8, :8]) and np.allclose(outside[0, 0], picture[0, 0])
    there = covered(20, 30, (-8, -8, 8, 8), 16)
    assert there[8:, 8:].min() == 1 and there[:8].max() == 0


def test_the_guided_filter_keeps_the_guides_edges():
    guide = np.zeros((48, 48, 3), np.float32)
    guide[:, 24:] = (0.9, 0.2, 0.1)
    truth = (guide[..., :1] > 0.5).astype(np.float32)
    wrong = np.roll(truth, 3, 1)
    better = guided(guide, wrong, 6, 2e-3)
    steepest = lambda picture: np.abs(np.diff(picture[24, 8:40, 0])).argmax()  # noqa: E731
    assert steepest(wrong) == steepest(truth) + 3 and steepest(better) == steepest(truth)
    flat = np.full((48, 48, 2), 0.3, np.float32)
    assert np.allclose(guided(guide, flat, 6, 2e-3), flat, atol=1e-4)


def disc(size, x, y, radius):
    rows, columns = np.mgrid[:size, :size]
    return (np.hypot(columns - x, rows - y) < radius).astype(np.float32)


@pytest.mark.parametrize(("shift", "grow"), [((4, 0), 0), ((0, -5), 0), ((3, 3), 4), ((0, 0), -5)])
def test_the_outline_warp_takes_the_silhouette_onto_the_mask(shift, grow):
    silhouette, mask = disc(256, 128, 128, 70), disc(256, 128 + shift[0], 128 + shift[1], 70 + grow)
    flow = outline_warp(silhouette, mask)
    there = displaced(mask[..., None], flow)[..., 0]
    before, after = (np.abs(silhouette - picture).mean() for picture in (mask, there))
    assert after < 0.35 * before
    assert np.linalg.norm(flow, axis=-1).max() <= MOST * 256 + 1e-3


def test_outlines_that_agree_stay():
    mask = disc(256, 128, 120, 60)
    assert np.abs(outline_warp(mask, mask)).max() < 0.3


@pytest.mark.parametrize("silhouette", [np.zeros((64, 64)), np.ones((64, 64))])
def test_without_an_outline_nothing_moves(silhouette):
    flow = outline_warp(silhouette.astype(np.float32), disc(64, 30, 30, 12))
    assert flow.shape == (64, 64, 2) and not flow.any()


def test_displacements_are_limited():
    flow = RANDOM.normal(0, 5, (10, 10, 2))
    short = limited(flow, 2.0)
    assert np.linalg.norm(short, axis=-1).max() <= 2.0 + 1e-6
    small = np.linalg.norm(flow, axis=-1) < 2
    assert np.allclose(short[small], flow[small])
