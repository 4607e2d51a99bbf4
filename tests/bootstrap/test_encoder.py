"""Names, shapes and numbers of the authors' encoder; any size runs, learns and keeps its promises."""

import math
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spir.bootstrap.encoder import COMPACT, PAPER, PRETRAINED, Encoder, EncoderConfig, object_mean
from spir.bootstrap.guess import encode
from spir.imagenet import LITE0, frozen
from spir.types import Cutout

TINY = EncoderConfig(
    dims=(8, 16, 20, 32),
    heads=(1, 2, 2, 4),
    depths=(1, 1, 1, 1),
    decode_width=16,
    head_width=16,
    in_channels=4,
    map_upsample=2,
    w_dim=24,
    size=64,
)


def listed_shapes(config):
    """The authors' listing, by rule: every tensor of every module, its name and its shape."""
    shapes = {}

    def layer(name, *weight):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = weight, weight[:1]

    channels = config.in_channels
    for i, dim in enumerate(config.dims, start=1):
        kernel, ratio = (7 if i == 1 else 3), config.sr_ratios[i - 1]
        layer(f"backbone.patch_embed{i}.proj", dim, channels, kernel, kernel)
        layer(f"backbone.patch_embed{i}.norm", dim)
        layer(f"backbone.norm{i}", dim)
        for j in range(config.depths[i - 1]):
            block, hidden = f"backbone.block{i}.{j}", dim * config.mlp_ratio
            layer(f"{block}.norm1", dim)
            layer(f"{block}.norm2", dim)
            layer(f"{block}.attn.q", dim, dim)
            layer(f"{block}.attn.kv", 2 * dim, dim)
            layer(f"{block}.attn.proj", dim, dim)
            if ratio > 1:
                layer(f"{block}.attn.sr", dim, dim, ratio, ratio)
                layer(f"{block}.attn.norm", dim)
            layer(f"{block}.mlp.fc1", hidden, dim)
            layer(f"{block}.mlp.dwconv.dwconv", hidden, 1, 3, 3)
            layer(f"{block}.mlp.fc2", dim, hidden)
        layer(f"backbone.linear_c{i}.proj", config.decode_width, dim)
        channels = dim
    head = config.head_width
    layer("backbone.linear_fuse", config.decode_width, 4 * config.decode_width, 1, 1)
    layer("backbone.linear_pred", head, config.decode_width, 1, 1)
    layer("post.0", head, head, 3, 3)
    layer("post.2", head, head, 3, 3)
    layer("post.4", 4, head, 3, 3)
    layer("w_regressor_pre.0", head, head, 3, 3)
    pooled = head + (sum(config.dims) if config.pool_stages else 0)
    if config.pool_stages:
        # Ours alone: standardised means of the stages, without weights of their own.
        statistics = {"running_mean": (pooled,), "running_var": (pooled,), "num_batches_tracked": ()}
        shapes |= {f"w_regressor_norm.{name}": shape for name, shape in statistics.items()}
    layer("w_regressor_post.0", config.w_dim, pooled)
    layer("w_regressor_post.2", config.w_dim, config.w_dim)
    return shapes


def recipe(name, shape):
    """Weights that anyone can refill: the recipe that the reference numbers were made with."""
    r = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if name.endswith("bias"):
        return 0.1 * r
    return 1 + 0.1 * r if len(shape) == 1 else r / math.sqrt(r[0].numel())


def random_input(batch=2, size=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rgb = 2 * torch.rand(batch, size, size, 3, generator=generator) - 1
    return rgb, (torch.rand(batch, size, size, generator=generator) > 0.5).float()


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return Encoder(TINY).eval()


@pytest.mark.parametrize("config", [PAPER, COMPACT, TINY])
def test_names_and_shapes(config):
    with torch.device("meta"):
        state = Encoder(config).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == listed_shapes(config)


def test_the_authors_network_has_as_many_numbers():
    with torch.device("meta"):
        assert sum(p.numel() for p in Encoder(PAPER).parameters()) == 92_609_476


def test_the_authors_numbers():
    with torch.device("meta"):
        encoder = Encoder(PAPER)
    state = {name: recipe(name, shape) for name, shape in listed_shapes(PAPER).items()}
    encoder.load_state_dict(state, assign=True)
    picture = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(10)) * 2 - 1
    with torch.no_grad():
        output = encoder.eval()(picture.permute(0, 2, 3, 1), torch.zeros(1, 128, 128))
    numbers = np.load(Path(__file__).parent / "fixture_encoder.npz")
    for name, ours in (
        ("enc_coords_8", output.nocs[:, ::8, ::8]),
        ("enc_mask_8", output.mask[:, ::8, ::8]),
        ("enc_w", output.w),
    ):
        torch.testing.assert_close(ours, torch.from_numpy(numbers[name]), atol=5e-6, rtol=0)


def test_the_mean_over_the_object_is_that_of_its_pixels():
    maps = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(2, 8, 8)
    mask[0, 2:6, 4:] = 1
    expected = maps[0, :, 1:3, 2:].mean((1, 2))
    torch.testing.assert_close(object_mean(maps, mask)[0], expected)
    assert (object_mean(maps, mask)[1] == 0).all()


def test_pooled_stages_reach_w_and_nothing_else():
    torch.manual_seed(0)
    encoder = Encoder(replace(TINY, pool_stages=True)).eval()
    rgb, mask = random_input()
    before = encoder(rgb, mask)
    with torch.no_grad():
        encoder.w_regressor_norm.running_mean[-1] += 5
    after = encoder(rgb, mask)
    assert (before.w != after.w).any() and torch.equal(before.nocs, after.nocs)


def test_output_shapes_and_ranges(tiny):
    output = tiny(*random_input())
    assert output.nocs.shape == (2, 32, 32, 3) and output.w.shape == (2, 1, 24)
    torch.testing.assert_close(output.mask, output.mask_logits.sigmoid())
    assert torch.equal(output[1:2].w, output.w[1:2])
    shapes = [tuple(m.shape) for m in tiny.features(*random_input())]
    assert shapes == [(2, 8, 16, 16), (2, 16, 8, 8), (2, 20, 4, 4), (2, 32, 2, 2)]


def test_items_do_not_see_each_other(tiny):
    rgb, mask = random_input()
    torch.testing.assert_close(tiny(rgb, mask).nocs[1:], tiny(rgb[1:], mask[1:]).nocs, atol=1e-5, rtol=0)


def test_the_mask_matters_with_four_channels_only(tiny):
    rgb, mask = random_input()
    three = Encoder(replace(TINY, in_channels=3)).eval()
    assert torch.equal(three(rgb, mask).nocs, three(rgb, 1 - mask).nocs)
    assert not torch.equal(tiny(rgb, mask).nocs, tiny(rgb, 1 - mask).nocs)


def test_half_precision_is_close_and_comes_back_full(tiny):
    rgb, mask = random_input()
    full, half = tiny(rgb, mask), tiny(rgb, mask, half=True)
    with torch.autocast("cpu", torch.bfloat16):
        outer = tiny(rgb, mask)
    for name in ("nocs", "mask", "mask_logits", "w"):
        a, b, c = getattr(full, name), getattr(half, name), getattr(outer, name)
        assert b.dtype == c.dtype == torch.float32
        assert 0 < (a - b).abs().max() < 0.03 * a.abs().max()
        assert torch.equal(b, c)


def test_it_starts_within_the_object_and_every_weight_learns():
    torch.manual_seed(0)
    encoder = Encoder(COMPACT).train()
    output = encoder(*random_input(2, 64), half=True)
    assert output.nocs.std() < 1 and output.w.std() < 1 and output.mask_logits.abs().max() < 4
    (output.nocs.square().mean() + output.mask.mean() + output.w.square().mean()).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_a_few_steps_overfit(tiny):
    rgb, mask = random_input()
    target = torch.linspace(-0.5, 0.5, 32).expand(2, 32, 32)
    optimiser = torch.optim.Adam(tiny.parameters(), lr=2e-3)
    losses = []
    for _ in range(30):
        output = tiny(rgb, mask)
        loss = (output.nocs[..., 0] - target).square().mean() + (output.w - 1).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_stochastic_depth_only_in_training():
    encoder = Encoder(replace(TINY, drop_path=0.9))
    rgb, mask = random_input()
    assert torch.equal(encoder.eval()(rgb, mask).nocs, encoder(rgb, mask).nocs)
    encoder.train()
    assert not torch.equal(encoder(rgb, mask).nocs, encoder(rgb, mask).nocs)


@pytest.fixture(scope="module")
def pretrained():
    torch.manual_seed(0)
    encoder = Encoder(PRETRAINED)
    encoder.backbone.load_imagenet()
    return encoder.eval()


def test_a_trunk_of_imagenet_begins_with_its_features_and_gives_the_same_outputs(pretrained):
    rgb, mask = random_input(size=128)
    with torch.no_grad():
        stages, expected = pretrained.features(rgb, mask), frozen(LITE0, "cpu")(rgb.permute(0, 3, 1, 2))
        out = pretrained(rgb, mask)
    for ours, theirs in zip(stages, expected[1:], strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4 * theirs.abs().max().item())
    assert out.nocs.shape == (2, 64, 64, 3) and out.mask.shape == (2, 64, 64) and out.w.shape == (2, 1, 256)
    assert out.front.shape == (2, 2) and out.front.isfinite().all()


def test_mirroring_the_picture_mirrors_the_front(pretrained):
    rgb, mask = random_input(size=128)
    both = Cutout(torch.cat((rgb, rgb.flip(2))), torch.cat((mask, mask.flip(2))), torch.zeros(4, 4))
    with torch.no_grad():
        front = encode(pretrained, both, symmetric=True).front
    assert torch.allclose(front[:2] * torch.tensor([-1.0, 1.0]), front[2:], atol=1e-4)


def test_an_unknown_trunk_is_named():
    with pytest.raises(ValueError, match="efficientnet-lite0"):
        Encoder(replace(COMPACT, trunk="vgg"))
