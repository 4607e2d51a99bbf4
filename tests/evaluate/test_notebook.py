"""Items are on disk as soon as they are measured, and a run that goes on measures only the others."""

import json

import pytest

from spir.evaluate.items import failures, measure
from spir.evaluate.notebook import ResultLog

ABOUT = {"category": "car", "steps": (0, 10)}


def halve(prepared, item):
    if item == 13:
        raise ValueError("unlucky")
    if item == 99:
        raise KeyboardInterrupt
    prepared.append(item)
    return {"half": item / 2, "pictures": [1]}


@pytest.fixture
def path(tmp_path):
    """What an interrupted run of 4, 13, 6 leaves."""
    book = ResultLog(tmp_path / "new/report.json.items.jsonl")
    book.begin(ABOUT)
    with pytest.raises(KeyboardInterrupt):
        measure(halve, list, [4, 13, 6, 99, 8], "numbers", notebook=book)
    return book.path


def test_an_interrupted_run_keeps_its_items_without_pictures(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["part"] for line in lines] == ["about", "numbers", "numbers", "numbers"]
    assert lines[0]["record"] == {"category": "car", "steps": [0, 10]}
    assert lines[1]["record"] == {"name": "4", "half": 2.0} and "unlucky" in lines[2]["record"]["error"]


def test_a_run_that_goes_on_measures_the_others_and_what_failed(path, capsys):
    book, done = ResultLog(path, resume=True), []
    book.begin(ABOUT)
    records = measure(halve, lambda: done, [4, 13, 6, 8], "numbers", notebook=book)
    assert done == [8] and list(failures(records)) == ["13"]
    assert [record["name"] for record in records] == ["4", "13", "6", "8"] and records[2]["half"] == 3
    again = ResultLog(path, resume=True)
    assert set(again.known("numbers")) == {"4", "6", "8"} and again.known("other numbers") == {}
    measure(halve, lambda: done, [4, 6], "numbers", notebook=again.afresh())
    assert done == [8, 4, 6]


def test_nothing_is_prepared_where_all_is_known(path):
    book = ResultLog(path, resume=True)
    book.begin(ABOUT)
    assert len(measure(halve, pytest.fail, [4, 6], "numbers", notebook=book)) == 2


def test_a_line_cut_short_is_measured_again(path):
    path.write_text(path.read_text() + '{"part": "numbers", "rec')
    book = ResultLog(path, resume=True)
    book.begin(ABOUT)
    book.write("numbers", {"name": "8"})
    assert set(book.known("numbers")) == {"4", "6", "8"}


def test_another_evaluation_is_not_gone_on_with(path):
    with pytest.raises(ValueError, match="another evaluation"):
        ResultLog(path, resume=True).begin({**ABOUT, "steps": (0,)})
    book = ResultLog(path)
    book.begin({"category": "car"})
    assert len(path.read_text().splitlines()) == 1 and book.known("numbers") == {}
