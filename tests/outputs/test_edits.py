"""Edits of codes on a tiny generator; recolouring against rendering anew."""

from dataclasses import replace

import pytest
import torch

from spir.generator import Generator, GeneratorConfig
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.outputs.edits import (
    EDITS,
    mix_colours,
    mix_shape,
    recolour,
    recolour_mesh,
    recolour_rendering,
    swap_palette,
)
from spir.outputs.mesh import mesh
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code
from tests.outputs.analytic import Balls

RED = torch.tensor([1.0, -0.8, -0.9])
NAMES = ("paint", "glass", "tyres")


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(GeneratorConfig(8, 12, 8, 4, 32, 8, values=3, hidden=8)).eval().requires_grad_(False)


def code(generator, seed, rows="many", palette=False):
    draw = torch.Generator().manual_seed(seed)
    w = torch.randn(2, 1 if rows == "one" else generator.num_ws, 12, generator=draw)
    return Code(w, torch.rand(2, 3, 3, generator=draw) * 2 - 1 if palette else None)


def same(generator, first, second):
    return torch.equal(generator.w_plus(first), generator.w_plus(second)) and torch.equal(
        generator.palette(first), generator.palette(second)
    )


ARGUMENTS = {"entry": 1, "rgb": RED}


def needs(edit, generator, palette=False):
    every = {**ARGUMENTS, "other": code(generator, 9, palette=palette)}
    return {name: every[name] for name in edit.needs}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("rows", ["one", "many"])
@pytest.mark.parametrize("palette", [False, True])
def test_amount_nothing_changes_nothing_and_all_changes_something(generator, name, rows, palette):
    edit, before = EDITS[name], code(generator, 1, rows, palette)
    for others in (False, True):
        extra = needs(edit, generator, others)
        assert same(generator, edit.apply(generator, before, 0.0, **extra), before)
        assert not same(generator, edit.apply(generator, before, edit.high, **extra), before)
    assert edit.label and edit.hint and edit.low < edit.high


@pytest.mark.parametrize("rows", ["one", "many"])
def test_mixing_shapes_leaves_the_colours_alone_and_ends_at_the_other(generator, rows):
    mine, other = code(generator, 1, rows), code(generator, 2, rows)
    mixed = mix_shape(generator, mine, 1.0, other)
    assert torch.equal(generator.palette(mixed), generator.palette(mine))
    assert torch.equal(generator.planes(mixed), generator.planes(other))
    half = mix_shape(generator, mine, 0.5, other).w[:, :-1]
    assert torch.allclose(half, (generator.w_plus(mine) + generator.w_plus(other))[:, :-1] / 2)


@pytest.mark.parametrize("mine_by_hand", [False, True])
@pytest.mark.parametrize("others_by_hand", [False, True])
def test_mixing_colours_leaves_the_shape_alone_and_ends_at_the_other(generator, mine_by_hand, others_by_hand):
    mine, other = code(generator, 1, "one", mine_by_hand), code(generator, 2, "many", others_by_hand)
    for mixed in (mix_colours(generator, mine, 1.0, other), swap_palette(generator, mine, 1.0, other)):
        assert torch.equal(generator.planes(mixed), generator.planes(mine))
        assert torch.allclose(generator.palette(mixed), generator.palette(other), atol=1e-6)
    assert swap_palette(generator, mine, 0.4, other) is mine


def test_recolour_by_number_and_by_name(generator):
    before = code(generator, 1)
    for entry in (1, "glass"):
        after = recolour(generator, before, 1.0, entry, RED, NAMES)
        palette = generator.palette(after)
        assert torch.allclose(palette[:, 1], RED.expand(2, 3))
        assert torch.equal(palette[:, [0, 2]], generator.palette(before)[:, [0, 2]])
    half = generator.palette(recolour(generator, before, 0.5, 1, RED))[:, 1]
    assert torch.allclose(half, (generator.palette(before)[:, 1] + RED) / 2, atol=1e-6)


def test_recolour_does_not_write_into_the_palette_it_was_given(generator):
    before = code(generator, 1, palette=True)
    kept = before.palette.clone()
    recolour(generator, before, 1.0, 0, RED)
    assert torch.equal(before.palette, kept)


@pytest.mark.parametrize(
    ("entry", "message"), [(3, "no palette entry 3"), (-1, "entry -1"), ("roof", "'roof'")]
)
def test_an_unknown_entry_is_named(generator, entry, message):
    with pytest.raises(ValueError, match=message):
        recolour(generator, code(generator, 1), 1.0, entry, RED, NAMES)


@pytest.mark.parametrize("background", [0.0, 1.0])
def test_recolouring_a_rendering_is_rendering_the_recoloured_object(background):
    angle = torch.tensor([20.0, 110.0, 200.0])
    camera = camera_from_pose(look_at_pose(angle, 0.1 * angle, focal=1.5 + 0 * angle, scale=0.9 + 0 * angle))
    config = RenderConfig(size=24, attention=True, background=background)
    field = Balls()
    palette = torch.tensor([[0.2, 0.9, -1.0], [-0.3, -0.3, 0.4], [1.0, 0.0, 0.0]])
    stored = render(field, camera, config)
    anew = render(replace(field, palette=palette), camera, config)
    recoloured = recolour_rendering(stored, palette[None], background)
    assert (stored.rgb - anew.rgb).abs().max() > 0.5
    assert torch.allclose(recoloured.rgb, anew.rgb, atol=1e-4)
    assert torch.allclose(
        recolour_rendering(stored, field.palette[None], background).rgb, stored.rgb, atol=1e-4
    )


def test_recolouring_needs_attention():
    camera = camera_from_pose(look_at_pose(torch.zeros(1), torch.zeros(1), focal=torch.ones(1)))
    with pytest.raises(ValueError, match="attention=True"):
        recolour_rendering(render(Balls(), camera, RenderConfig(size=8)), torch.zeros(1, 3, 3), 0.0)


def test_recolouring_a_mesh_is_meshing_the_recoloured_object():
    field, palette = Balls(), torch.tensor([[0.2, 0.9, -1.0], [-0.3, -0.3, 0.4], [1.0, 0.0, 0.0]])
    surface, anew = mesh(field, 24), mesh(replace(field, palette=palette), 24)
    assert torch.allclose(recolour_mesh(surface, palette).colours, anew.colours, atol=1e-6)
    assert torch.equal(recolour_mesh(surface, field.palette).faces, surface.faces)
    with pytest.raises(ValueError, match="how its colours"):
        recolour_mesh(replace(surface, attention=None), palette)
