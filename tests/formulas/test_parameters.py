"""The table of a formula's parameters: drawn, and read backwards."""

import torch

from spir.formulas import FORMULAS
from spir.formulas.parameters import normalise
from spir.formulas.reading import Reading, ReadingConfig

TABLE = FORMULAS["car"].table


def drawn(count=64):
    z = torch.randn(count, TABLE.z_dim, generator=torch.Generator().manual_seed(0))
    return TABLE.class_weights(z), normalise(z)[:, len(TABLE.classes) :], TABLE.decode(z)


def test_every_parameter_has_a_name_and_stays_within_its_range():
    _, _, parameters = drawn(512)
    assert list(parameters) == [*TABLE.columns, *TABLE.ranges]
    for name, (low, high) in TABLE.ranges.items():
        assert low <= parameters[name].min() and parameters[name].max() <= high, name


def test_moves_are_found_again_from_the_parameters():
    weights, moves, parameters = drawn()
    again = TABLE.moves_of(torch.cat([*parameters.values()], 1), weights)
    rebuilt = TABLE.parameters(weights, again)
    for name, value in parameters.items():
        low, high = TABLE.ranges.get(name, (-4 * TABLE.spread.get(name, 0), 4 * TABLE.spread.get(name, 0)))
        assert (rebuilt[name] - value).abs().max() <= 0.03 * (high - low) + 1e-5, name
    free = torch.tensor([TABLE.spread.get(name, 1.0) > 0 for name in parameters])
    inner = free & (moves.abs() < 1.2)
    assert torch.allclose(again[inner], moves[inner], atol=1e-3)


def test_what_no_object_has_gives_moves_that_are_finite():
    weights, _, parameters = drawn(8)
    wild = torch.cat([*parameters.values()], 1) * 100 - 50
    assert TABLE.moves_of(wild, weights).isfinite().all()


def test_a_reading_names_the_likeliest_classes():
    count = len(TABLE.classes)
    reading = Reading(ReadingConfig(4, count + TABLE.moves))
    with torch.no_grad():
        reading.bias[3], reading.bias[5] = 0.9, 0.4
    weights, moves = reading.objects(torch.zeros(1, 4), TABLE, 2)
    assert weights.argmax(1).tolist() == [3, 5] and torch.equal(weights.sum(1), torch.ones(2))
    assert moves.shape == (2, TABLE.moves)
