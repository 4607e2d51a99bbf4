"""The judge: nothing between equal pictures, more the blurrier one of them is, most to another car; and sharpness."""

import pytest
import torch
from torch.nn import functional as F

from spir.evaluate import judge as module
from spir.evaluate.judge import JudgeError, JudgeFeatures
from spir.formulas import FORMULAS
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.metrics import fid
from spir.metrics.images import EDGE_PX, sharpness
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render


@pytest.fixture(scope="module")
def judge(judge_network):
    return judge_network


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


@pytest.fixture(scope="module")
def cars():
    """Two procedural cars seen from the same camera."""
    cars, like = FORMULAS["car"], torch.ones(1)
    camera = camera_from_pose(look_at_pose(35 * like, 15 * like, focal=2.5 * like, scale=0.9 * like))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        fields = [cars.field(torch.randn(1, cars.z_dim)) for _ in range(2)]
        return [render(field, camera, RenderConfig(size=128, samples=12, grid=48)) for field in fields]


def test_a_blurred_car_is_some_of_the_way_to_another_car(judge, cars):
    """Four pixels of blur cost a clear share of what another car does: the judge neither overlooks nor overrates them."""
    one, other = cars
    either = ((one.alpha > 0.5) | (other.alpha > 0.5)).float()
    away = judge.distance(one.rgb, other.rgb, either).item()
    soft, softer = (judge.distance(one.rgb, blurred(one.rgb, width), either).item() for width in (3, 5))
    assert 0 < soft < softer < away
    assert 0.25 < softer / away < 0.75


@pytest.mark.parametrize("size", [128, 130, 192, 512])
def test_pictures_of_any_size_are_seen_at_five_resolutions(judge, size):
    rgb, disc = pictures(1, size)
    maps = judge.maps(rgb)
    assert [one.shape[2] for one in maps] == [-(-size // 2**level) for level in range(1, 6)]
    assert judge.distance(rgb, rgb, disc).item() == 0 < judge.distance(rgb, -rgb, disc).item()


def test_features_of_a_set_are_those_of_the_object_alone(judge):
    rgb, disc = pictures(3)
    features = JudgeFeatures(judge)
    found = features(rgb, disc)
    assert isinstance(features, fid.Features) and len(found) == 3 and found.shape[1] <= 352
    # A mask of everything sees more, and nothing seen has no features.
    assert not torch.allclose(found, features(rgb, torch.ones_like(disc)))
    assert (features(rgb, 0 * disc) == 0).all()


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


def test_where_the_package_is_missing_the_error_says_what_to_install(no_judge):
    with pytest.raises(JudgeError, match=r"spir\[evaluate\]"):
        module.judge()
    assert module.HOW_TO_GET_IT in module.why_no_judge()


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
