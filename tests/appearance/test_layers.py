"""light * (weights @ palette) + rest: exact as it is, and recoloured only where a part was given a colour."""

import pytest
import torch

from spir.appearance.layers import BRIGHTEST, enlarged, recoloured, split, texture
from spir.types import Appearance


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def appearance(values=4, size=32, coarse=8) -> Appearance:
    weights = torch.softmax(4 * random(coarse, coarse, values, seed=1), -1)
    palette, own = 2 * random(values, 3, seed=2) - 1, 2 * random(values, 3, seed=3) - 1
    rgb = random(size, size, 3, seed=4)
    light, rest = split(rgb, enlarged(weights, size) @ ((palette + 1) / 2))
    generated = torch.softmax(4 * random(coarse, coarse, values, seed=5), -1)
    corners = torch.tensor(((0.0, 0, 0), (1, 0, 0), (0, 1, 0)))
    normals = torch.tensor((0.0, 0, 1)).expand(3, 3)
    faces = torch.tensor(((0, 1, 2),))
    return Appearance(
        corners, normals, faces, corners[:, :2], light, rest, weights, palette, generated, own,
        torch.zeros(coarse, coarse, 2),
    )  # fmt: skip


def test_with_the_palette_it_was_made_with_the_sum_is_the_photo():
    made = appearance()
    assert torch.allclose(texture(made), random(32, 32, 3, seed=4), atol=1e-6)
    assert torch.equal(texture(made, made.generated_palette), texture(made))


def test_light_is_bounded_and_grey_is_told_by_brightness():
    rgb, base = random(50, 3), torch.full((50, 3), 0.4)
    light, rest = split(rgb, base)
    assert 0 <= light.min() and light.max() <= BRIGHTEST
    luminance = rgb @ torch.tensor((0.30, 0.59, 0.11))
    assert torch.allclose(light, ((luminance + 0.06) / 0.46).clamp(max=BRIGHTEST), atol=1e-5)
    assert torch.allclose(light[:, None] * base + rest, rgb, atol=1e-6)


@pytest.mark.parametrize("light", [0.3, 0.7, 1.1])
@pytest.mark.parametrize("glare", [0.0, 0.2])
def test_a_colourful_paint_is_told_from_glare_by_its_hue(light, glare):
    paint = torch.tensor((0.7, 0.05, 0.08))
    found, rest = split(light * paint[None] + glare, paint[None])
    assert found.item() == pytest.approx(light, abs=1e-3)
    assert torch.allclose(rest, torch.full((1, 3), glare), atol=1e-3)


def test_only_what_was_given_another_colour_changes():
    made = appearance()
    palette = made.generated_palette.clone()
    palette[1] = torch.tensor((-1.0, 1.0, -1.0))
    share = enlarged(made.weights, 32)[..., 1]
    moved = made.light * share
    change = moved[..., None] * ((palette[1] - made.palette[1]) / 2)
    base = enlarged(made.weights, 32) @ ((made.palette + 1) / 2)
    wanted = (made.light[..., None] * base + made.rest + change).clamp(0, 1)
    assert torch.allclose(texture(made, palette), wanted, atol=1e-5)
    again = recoloured(made, palette)
    assert torch.equal(again.palette[[0, 2, 3]], made.palette[[0, 2, 3]])
    assert torch.allclose(texture(again), wanted, atol=1e-5)


def test_less_detail_is_nearer_to_the_generators_colours():
    made = appearance()
    own = enlarged(made.generated, 32) @ ((made.generated_palette + 1) / 2)
    assert torch.allclose(texture(made, detail=0.0), own.clamp(0, 1), atol=1e-6)
    half = (texture(made) + own) / 2
    assert torch.allclose(texture(made, detail=0.5), half, atol=1e-5)
