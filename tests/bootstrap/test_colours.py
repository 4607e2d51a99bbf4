"""Colours of the first guess: found without rendering again, on the last row of w alone."""

from dataclasses import replace

import pytest
import torch

from spir.bootstrap.colours import ColourConfig, fit_colours
from spir.categories import CATEGORIES
from spir.generator.generator import Generator
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code, Cutout, Guess, Outcome
from tests.tiny import GENERATOR

CAR = CATEGORIES["car"]
FREE = ColourConfig(w_regularisation=0.0, steps=150)


@pytest.fixture(scope="module")
def scene():
    """Two objects, their cut-outs, and guesses that are right but for the colours."""
    torch.manual_seed(3)
    generator = Generator(GENERATOR)
    with torch.no_grad():
        generator.beta.fill_(0.05)
        generator.alpha.fill_(0.05)
        generator.freeze()
    pose = look_at_pose(torch.tensor([30.0, 120.0]), torch.tensor([10.0, 20.0]), torch.tensor([2.0, 2.0]))
    code = generator.code(torch.randn(2, GENERATOR.z_dim))
    rows = generator.w_plus(code).clone()
    rows[:, -1] = generator.mapping(torch.randn(2, GENERATOR.z_dim))
    view = RenderConfig(size=64, pixel_centre=CAR.pixel_centre)
    with torch.no_grad():
        seen = render(generator.field(Code(rows)), camera_from_pose(pose), view)
    cutout = Cutout(seen.rgb, seen.alpha, torch.zeros(2, 4))
    nothing = torch.zeros(2, 64, 64)
    guess = Guess(
        nothing[..., None].expand(-1, -1, -1, 3), nothing, code, pose, torch.zeros(2), (Outcome.SOLVED,) * 2
    )
    return generator, cutout, guess


def colour_error(generator, cutout, guess):
    view = RenderConfig(size=64, pixel_centre=CAR.pixel_centre)
    with torch.no_grad():
        seen = render(generator.field(guess.code), camera_from_pose(guess.pose), view)
    return ((seen.rgb - cutout.rgb).abs().mean(-1) * cutout.mask).sum((1, 2)) / cutout.mask.sum((1, 2))


def test_colours_come_home_and_shape_stays(scene):
    generator, cutout, guess = scene
    assert cutout.mask.sum() > 200, "the scene shows nothing"
    fitted = fit_colours(guess, cutout, generator, CAR, FREE)
    assert (colour_error(generator, cutout, fitted) < 0.4 * colour_error(generator, cutout, guess)).all()
    assert torch.equal(fitted.code.w[:, :-1], generator.w_plus(guess.code)[:, :-1])
    assert torch.equal(fitted.pose.quaternion, guess.pose.quaternion)


def test_a_short_leash_keeps_the_encoder_s_colours(scene):
    generator, cutout, guess = scene
    moved = [
        (
            fit_colours(
                guess, cutout, generator, CAR, replace(FREE, w_regularisation=leash, steps=30)
            ).code.w[:, -1]
            - guess.code.w[:, 0]
        )
        .norm(dim=1)
        .max()
        for leash in (0.0, 1.0, 100.0)
    ]
    assert moved[0] > moved[1] > moved[2] and moved[2] < 0.2 * moved[0]


def test_items_are_independent_and_repeatable(scene):
    generator, cutout, guess = scene
    both = fit_colours(guess, cutout, generator, CAR).code.w
    assert torch.equal(both, fit_colours(guess, cutout, generator, CAR).code.w)
    alone = fit_colours(guess[1:], cutout[1:], generator, CAR).code.w
    assert torch.allclose(both[1:], alone, atol=2e-3)


def test_what_cannot_be_fitted_stays(scene):
    generator, cutout, guess = scene
    empty = replace(cutout, mask=torch.zeros_like(cutout.mask))
    w = generator.w_plus(guess.code)
    assert torch.allclose(fit_colours(guess, empty, generator, CAR).code.w, w)
    own = replace(guess, code=Code(guess.code.w, generator.palette(guess.code).detach()))
    assert fit_colours(own, cutout, generator, CAR) is own
