"""The race of the renderers: both clocks, both fits, one ratio."""

from dataclasses import replace

import pytest

from spir.evaluate import bench
from spir.evaluate.benchmarks import photos
from spir.inversion.config import HYBRID_FAST


@pytest.fixture
def small(monkeypatch):
    """Small pictures, as the reference takes its time."""
    monkeypatch.setattr(bench, "preset", lambda steps: replace(HYBRID_FAST, steps=steps, size=32, crops=0))


def test_a_block_has_a_time_per_step(reconstructor, photo_folder, small):
    cut = photos.load(reconstructor, photos.photo_files(photo_folder)[0])[1]
    block = bench.timed_block(reconstructor, cut, "fast", 2)
    assert len(block.wall) == len(block.processor) == 2 and min(block.wall) > 0
    assert block.last.index == 2


def test_both_renderers_run_and_the_reference_is_slower(reconstructor, photo_folder, small):
    record = bench.score_bench(reconstructor, photos.photo_files(photo_folder)[0], steps=1)
    assert record["reference"]["processor_seconds"] > record["fast"]["processor_seconds"]
    assert abs(record["reference"]["iou"] - record["fast"]["iou"]) < 0.1


def test_the_ratio_is_a_geometric_mean():
    def one(fast, slow, gap):
        fast = {"seconds": fast, "processor_seconds": fast, "iou": 0.8 + gap}
        return {
            "name": "a",
            "fast": fast,
            "reference": {"seconds": slow, "processor_seconds": slow, "iou": 0.8},
        }

    result = bench.summary([one(1.0, 4.0, 0.01), one(2.0, 32.0, -0.03), {"name": "b", "error": "no"}])
    assert result["ratio"] == pytest.approx(8) and result["processor_ratio"] == pytest.approx(8)
    assert result["iou_difference"] == pytest.approx(-0.01)
    assert result["iou_difference_worst"] == pytest.approx(0.03)
    assert bench.summary([]) == {}
