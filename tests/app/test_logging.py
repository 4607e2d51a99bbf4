"""What the log says of stages: how they ended, in seconds, as JSON, and nothing of what they worked on."""

import json
import logging

import gradio as gr
import pytest

from spir.app import text
from spir.app.errors import out_of_memory, refuse, stage
from spir.app.server import logging as journal
from spir.app.server.logging import JsonFormatter, log_event, log_to_stderr
from spir.errors import PhotoError


@pytest.fixture
def lines():
    """The lines that were written, as objects."""
    found = []

    class Listener(logging.Handler):
        def emit(self, record):
            found.append(json.loads(JsonFormatter().format(record)))

    listener = Listener()
    journal.log.addHandler(listener)
    level = journal.log.level
    journal.log.setLevel(logging.INFO)
    yield found
    journal.log.setLevel(level)
    journal.log.removeHandler(listener)


def test_a_stage_tells_its_seconds_and_facts(lines):
    with stage("fit", run=3, steps=10) as facts:
        facts["stopped"] = True
    (line,) = lines
    assert line["event"] == "fit" and line["ended"] == "done" and line["level"] == "info"
    assert (line["run"], line["steps"], line["stopped"]) == (3, 10, True)
    assert 0 <= line["seconds"] < 5
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("problem", [PhotoError("my-secret.jpg is damaged"), gr.Error("No.")])
def test_a_refusal_goes_on_to_the_visitor_and_its_words_not_to_the_log(lines, problem):
    with pytest.raises(type(problem)), stage("cut out"):
        raise problem
    assert lines[0]["ended"] == "refused" and "secret" not in json.dumps(lines)


def test_what_nobody_expected_becomes_a_refusal_with_a_traceback_in_the_log(lines):
    with pytest.raises(gr.Error) as told, stage("mesh"):
        raise ValueError("7 dimensions")
    assert told.value.message == text.FAILED
    failure, line = lines
    assert "7 dimensions" in failure["traceback"] and failure["level"] == "error"
    assert line["ended"] == "failed" and line["problem"] == "ValueError"


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory"),
    ],
)
def test_want_of_memory_is_told_as_such(lines, problem):
    assert out_of_memory(problem)
    with pytest.raises(gr.Error) as told, stage("fit"):
        raise problem
    assert told.value.message == text.NO_MEMORY
    assert not out_of_memory(ValueError("out of memory")) and not out_of_memory(RuntimeError("bad shape"))


def test_a_generator_that_is_left_says_so(lines):
    def work():
        with stage("turn"):
            yield 1
            yield 2

    steps = work()
    next(steps)
    steps.close()
    assert lines[0]["ended"] == "left"


def test_a_line_is_a_line(lines):
    log_event("ready", device="cpu", note="two\nlines")
    assert lines[0]["note"] == "two\nlines"
    record = journal.log.makeRecord("spir", logging.INFO, "", 0, "x\ny", (), None)
    assert "\n" not in JsonFormatter().format(record)


def test_begun_twice_it_tells_once(monkeypatch, capsys):
    kept = journal.log.handlers[:], journal.log.level, journal.log.propagate
    try:
        log_to_stderr()
        log_to_stderr()
        log_event("ready")
        assert capsys.readouterr().err.count('"ready"') == 1
    finally:
        journal.log.handlers[:], journal.log.level, journal.log.propagate = kept


def test_refusals_do_not_print():
    with pytest.raises(gr.Error) as told:
        refuse("Not so.")
    assert told.value.print_exception is False
