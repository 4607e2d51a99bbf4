"""The benchmark at the paper's size, on networks that a test can wait for."""

from dataclasses import replace
from functools import partial

import pytest

from spir.evaluate.paper import bench as paper_bench
from spir.inversion.config import published
from spir.pipeline import Reconstructor
from tests.tiny import ENCODER, GENERATOR

tiny = partial(paper_bench.networks, GENERATOR, ENCODER)


def test_the_table_tells_both_ways_and_one_direction(monkeypatch, capsys):
    monkeypatch.setattr(paper_bench, "networks", tiny)
    monkeypatch.setattr(paper_bench, "published", lambda steps: replace(published(steps), size=32))
    monkeypatch.setattr(paper_bench, "HYBRID_FAST", replace(paper_bench.HYBRID_FAST, size=32, crops=0))
    paper_bench.main(["--steps", "2", "--published-steps", "1"])
    told = capsys.readouterr().out
    rows = [line.split("|") for line in told.splitlines() if line.startswith(("| ours", "| published"))]
    assert [row[2].strip() for row in rows] == ["2", "1"] and all(float(row[3]) > 0 for row in rows)
    assert float(told.split("cosine ")[1].rstrip(".\n")) > 0.9


def test_the_first_gradient_of_two_renderers_agrees_with_itself():
    engine = Reconstructor(tiny(), "cpu", loss="encoder")
    cut, first = paper_bench.subject(engine)
    config = replace(paper_bench.HYBRID_FAST, size=32, crops=0)
    one, again = (paper_bench.slope(engine, cut, first, config) for _ in range(2))
    assert one.equal(again) and one.norm() > 0


def test_no_steps_no_bench():
    with pytest.raises(SystemExit):
        paper_bench.main(["--steps", "0"])
