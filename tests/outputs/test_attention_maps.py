"""Views packed as the weights of their colours: small, and the same picture in every palette."""

from dataclasses import replace

import pytest
import torch

from spir.outputs.attention_maps import decode_attention, encode_attention, weight_bytes
from spir.outputs.edits import recolour_rendering
from spir.types import Rendering


def random_rendering(views=3, height=12, width=10, values=10, seed=0):
    """Soft weights that sum to a soft alpha, with clear and solid pixels among them."""
    draw = torch.Generator().manual_seed(seed)
    alpha = torch.rand(views, height, width, generator=draw)
    alpha[:, 0], alpha[:, 1] = 0, 1
    attention = torch.rand(views, height, width, values, generator=draw).mul(4).softmax(-1) * alpha[..., None]
    return Rendering(torch.zeros(views, height, width, 3), alpha, alpha, attention=attention)


@pytest.mark.parametrize("values", [1, 3, 10])
def test_bytes_sum_to_the_byte_of_alpha_and_each_is_off_by_less_than_one(values):
    rendering = random_rendering(values=values)
    levels = torch.from_numpy(weight_bytes(rendering.attention)).float()
    assert (levels - 255 * rendering.attention).abs().max() < 1
    assert torch.equal(levels.sum(-1), (255 * rendering.attention.sum(-1)).round())


@pytest.mark.parametrize(("values", "height", "width"), [(10, 12, 10), (1, 5, 7), (4, 8, 8)])
def test_what_was_packed_comes_back(values, height, width):
    rendering = random_rendering(2, height, width, values)
    again = decode_attention(encode_attention(rendering), values, height, width)
    assert torch.equal(again * 255, torch.from_numpy(weight_bytes(rendering.attention)).float())


def test_any_palette_paints_the_same_picture_within_two_levels():
    rendering = random_rendering(values=10)
    palette = torch.rand(1, 10, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    wanted = recolour_rendering(rendering, palette, 1.0).rgb
    weights = decode_attention(encode_attention(rendering), 10, 12, 10)
    painted = weights @ palette[0] + (1 - weights.sum(-1, keepdim=True))
    assert (painted - wanted).abs().max() * 127.5 < 2


def test_rounding_beyond_one_does_no_harm():
    rendering = random_rendering()
    loud = replace(rendering, attention=rendering.attention * 1.01)
    assert weight_bytes(loud.attention).astype(int).sum(-1).max() <= 255


def test_what_cannot_be_packed_is_refused():
    rendering = random_rendering(1)
    with pytest.raises(ValueError, match="without attention"):
        encode_attention(replace(rendering, attention=None))
    with pytest.raises(ValueError, match="too large"):
        encode_attention(random_rendering(1, 2, 6000, 10))


def test_what_holds_no_views_is_refused():
    data = encode_attention(random_rendering(2, 12, 10, 10))
    for values, height, width in ((10, 7, 10), (10, 12, 9), (3, 12, 10)):
        with pytest.raises(ValueError, match="do not hold"):
            decode_attention(data, values, height, width)
    for wrong in (b"", b"RIFF", data[: len(data) // 2]):
        with pytest.raises(ValueError):
            decode_attention(wrong, 10, 12, 10)
