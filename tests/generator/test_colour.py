"""Colour mapping: linear in the palette, driven by the last row of w alone."""

import torch

from spir.generator.colour import TextureMapper, map_colour
from spir.types import Code


def test_colour_may_be_mapped_before_or_after_rendering():
    torch.manual_seed(0)
    attention, palette = torch.rand(2, 12, 5).softmax(-1), torch.rand(2, 5, 3)
    weights = torch.rand(2, 1, 12)
    before = weights @ map_colour(attention, palette)
    after = map_colour(weights @ attention, palette)
    torch.testing.assert_close(before, after)


def test_palette_stays_within_reach_and_depends_on_w():
    torch.manual_seed(0)
    mapper = TextureMapper(16, 5)
    palette = mapper(30 * torch.randn(64, 16))
    assert palette.shape == (64, 5, 3) and palette.abs().max() <= 1.002
    assert palette.std(0).min() > 0.05


def test_the_last_row_changes_the_palette_alone(small):
    w = torch.randn(1, small.num_ws, 16)
    points = torch.rand(1, 20, 3) - 0.5
    other = w.clone()
    other[:, -1] += 1
    a, b = small.field(Code(w)), small.field(Code(other))
    assert torch.equal(a(points).sdf, b(points).sdf) and torch.equal(a.planes, b.planes)
    assert torch.equal(a(points).attention, b(points).attention)
    assert not torch.allclose(a.palette, b.palette) and not torch.allclose(a(points).rgb, b(points).rgb)


def test_a_palette_in_the_code_wins(small):
    chosen = torch.rand(1, 5, 3)
    code = Code(torch.randn(1, 1, 16), chosen)
    points = torch.rand(1, 20, 3) - 0.5
    sample = small.field(code)(points)
    assert torch.equal(small.palette(code), chosen)
    torch.testing.assert_close(sample.rgb, sample.attention @ chosen)
    torch.testing.assert_close(sample.attention.sum(-1), torch.ones(1, 20))
