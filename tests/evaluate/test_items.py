"""Items one by one: failures named, order kept, workers or not."""

import operator
from pathlib import Path

import pytest

from spir.evaluate.items import failures, finished, measure, peak_rss_mb
from spir.evaluate.notebook import ResultLog


def halve(prepared, item):
    if item == 13:
        raise ValueError("unlucky")
    return {"half": item / prepared}


def two():
    return 2


def test_a_failure_is_named_and_the_others_go_on(capsys):
    records = measure(halve, two, [4, 13, 6], "numbers")
    assert [record.get("half") for record in records] == [2, None, 3]
    assert failures(records) == {"13": "ValueError: unlucky"}
    assert [record["name"] for record in finished(records)] == ["4", "6"]
    assert "numbers" in capsys.readouterr().err


def counting():
    calls = []
    return lambda: calls.append(1) or calls, calls


def test_networks_are_prepared_once():
    prepare, calls = counting()
    measure(lambda prepared, item: {}, prepare, [1, 2, 3], "x")
    assert len(calls) == 1


def test_workers_give_the_same_in_the_same_order_and_write_it_down(tmp_path):
    book = ResultLog(tmp_path / "items.jsonl")
    book.begin({"category": "car"})
    # Functions of the standard library, as a worker must be able to import them.
    records = measure(operator.getitem, dict, [1, 2, 3], "at once", workers=2, notebook=book)
    assert [record["name"] for record in records] == ["1", "2", "3"]
    assert all(record["error"].startswith("KeyError") for record in records)
    assert sorted(line["record"]["name"] for line in book.lines()[1:]) == ["1", "2", "3"]


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux tells the peak here")
def test_the_peak_is_in_megabytes():
    assert 100 < peak_rss_mb() < 50_000
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    assert peak_rss_mb() >= kib * 1024 / 1e6 * 0.99
