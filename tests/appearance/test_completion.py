"""A formula fitted to a surface of its own kind comes nearer to it, and its twins are its wheels."""

from dataclasses import replace

import pytest
import torch

from spir.appearance.completion import fit_completion, mismatch, predict_completion, shift_from_places
from spir.appearance.config import AppearanceConfig
from spir.appearance.surface import Surface, vertex_normals
from spir.formulas import FORMULAS
from spir.formulas.reading import Reading, ReadingConfig
from spir.outputs.mesh import mesh
from spir.types import Code

CAR = FORMULAS["car"]
CONFIG = AppearanceConfig(formula_steps=25, formula_points=300, formula_starts=2)
CODE = Code(torch.zeros(1, 3, 4))


@pytest.fixture(scope="module")
def truth():
    return CAR.one_per_class(torch.Generator().manual_seed(4))[1:2]


@pytest.fixture(scope="module")
def surface(truth) -> Surface:
    field = CAR.field(truth)
    found = mesh(field, 64)
    normals = vertex_normals(found.vertices, found.faces)
    with torch.no_grad():
        attention = field.attention(found.vertices[None], normals[None])[0]
    return Surface(found.vertices, normals, found.faces, attention)


@pytest.fixture(scope="module")
def reading(truth) -> Reading:
    """Says the true class, and parameters that are off by some of their ranges, whatever w is."""
    table = CAR.table
    parameters = torch.cat([*table.decode(truth).values()], 1)[0]
    noise = torch.randn(len(parameters), generator=torch.Generator().manual_seed(1))
    scale = torch.tensor(
        [table.spread[n] for n in table.columns] + [0.2 * (b - a) for a, b in table.ranges.values()]
    )
    made = Reading(ReadingConfig(4, len(table.classes) + table.moves))
    with torch.no_grad():
        made.bias.copy_(torch.cat((table.class_weights(truth)[0], parameters + scale * noise)))
    return made.requires_grad_(False)


@pytest.fixture(scope="module")
def best(surface, reading):
    return fit_completion(CAR, reading, CODE, surface, CONFIG)


def miss(completion, surface) -> float:
    points = (surface.vertices * completion.stretch + completion.shift)[None]
    return float(mismatch(completion.field, points, surface.normals, surface.attention))


def test_steps_of_adam_bring_the_formula_to_the_surface(surface, reading, best):
    first = predict_completion(CAR, reading, CODE)
    before, after = miss(first, surface), miss(best, surface)
    assert after < 0.6 * before
    again = fit_completion(CAR, reading, CODE, surface, CONFIG)
    assert torch.equal(best.stretch, again.stretch) and miss(again, surface) == after


def test_its_parts_become_those_of_the_surface(surface, reading, best):
    off = [
        float((c.attention(surface.vertices, surface.normals) - surface.attention).abs().sum(-1).mean())
        for c in (predict_completion(CAR, reading, CODE), best)
    ]
    assert off[1] < 0.8 * off[0]
    attention = predict_completion(CAR, reading, CODE).attention(surface.vertices[:50], surface.normals[:50])
    assert torch.allclose(attention.sum(-1), torch.ones(50), atol=1e-4)


def test_twins_are_the_wheels(surface, reading):
    completion = predict_completion(CAR, reading, CODE)
    (front, back), (rear, ahead) = completion.twins(surface.vertices)
    assert torch.allclose(back, -ahead) and back[2] < -0.5 and back[:2].abs().max() == 0
    for member, side in ((front, 1), (rear, -1)):
        wheel = surface.vertices[member > 0.9]
        assert len(wheel) > 20 and (side * wheel[:, 2] > 0.1).all() and wheel[:, 1].max() < 0.1
    assert (front * rear).max() < 0.05


def test_objects_stay_symmetric():
    assert torch.equal(shift_from_places(torch.ones(2, 5))[:, 0], torch.zeros(2))


def test_a_code_of_one_row_is_read_as_well(reading):
    one = predict_completion(CAR, reading, Code(torch.zeros(1, 1, 4)))
    many = predict_completion(CAR, reading, replace(CODE))
    assert torch.equal(one.field.units, many.field.units)
