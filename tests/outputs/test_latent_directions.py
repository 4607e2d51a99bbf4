"""Measures of balls have closed forms; a direction must do on the shipped cars what its name says."""

import pytest
import torch

from spir.generator import Generator, GeneratorConfig
from spir.outputs.latent_directions import AXES, directions, extents, stretch
from spir.types import Code
from spir.weights import WEIGHTS, load_models
from tests.outputs.analytic import Balls

SHIPPED = WEIGHTS / "car" / "generator.safetensors"


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(GeneratorConfig(8, 12, 8, 4, 32, 8, values=3, hidden=8)).eval().requires_grad_(False)


@pytest.mark.parametrize("scene_range", [1.0, 1.4])
def test_two_balls_are_as_long_as_the_line_around_them(scene_range):
    field = Balls(((-0.2, 0.1, 0.0, 0.3), (0.4, 0.1, -0.1, 0.2)), scene_range)
    assert extents(field, 64)[0].tolist() == pytest.approx([1.1, 0.6, 0.6], abs=0.01)
    assert extents(field, 32)[0].tolist() == pytest.approx([1.1, 0.6, 0.6], abs=0.03)


def test_what_leaves_the_cube_ends_on_its_wall_and_what_is_not_there_has_no_measure():
    assert extents(Balls(((0.0, 0.9, 0.0, 0.5),)), 64)[0, 1] == pytest.approx(0.6, abs=0.01)
    assert extents(Balls(((0.0, 9.0, 0.0, 0.5),))).isnan().all()


def test_stretching_leaves_the_colours_and_the_code_alone(generator):
    code = Code(torch.randn(2, 1, 12), torch.rand(2, 3, 3))
    kept = code.w.clone()
    assert stretch(generator, code, 0.0, "height") is code
    tall = stretch(generator, code, 1.0, "height")
    assert torch.equal(tall.palette, code.palette) and torch.equal(code.w, kept)
    assert torch.equal(generator.w_plus(tall)[:, -1:], generator.w_plus(code)[:, -1:])
    with pytest.raises(ValueError, match="'depth'"):
        stretch(generator, code, 1.0, "depth")


def test_directions_are_the_same_every_time_and_always_numbers(generator):
    first = directions(generator)
    directions.cache_clear()
    assert torch.equal(directions(generator), first) and first.shape == (3, 12) and first.isfinite().all()


@pytest.mark.skipif(not SHIPPED.exists(), reason="the weights of cars are not here")
@pytest.mark.parametrize("axis", ["width", "height"])
def test_cars_nobody_measured_grow_along_the_axis_alone(axis):
    cars = load_models("car").generator
    code = cars.code(torch.randn(6, cars.config.z_dim, generator=torch.Generator().manual_seed(7)))
    sizes = torch.stack([extents(cars.field(stretch(cars, code, a, axis))) for a in (-2.0, 0.0, 2.0)])
    own = AXES.index(axis)
    assert (sizes.diff(dim=0)[..., own] > 0).all(), "every step of every car"
    change = (sizes[-1] - sizes[0]).mean(0)
    assert change[own] > 0.05
    others = [i for i in range(3) if i != own]
    assert (change[others].abs() < 0.35 * change[own]).all()
