"""The process around the page: its health, its one line when it is ready, and what it sweeps away."""

import json
import os
import time

import pytest
from starlette.requests import Request

from spir.app.server import health as service
from spir.app.server.health import HealthService, peak_memory_mb, unavailable


@pytest.fixture
def served(context):
    return HealthService(context, lambda: context.estimate.learn(1.0, 3.0, 10))


def asked(health):
    """Status and content of an answer."""
    answer = health(Request({"type": "http"}))
    return answer.status_code, json.loads(answer.body)


def test_health_says_what_works_and_nothing_secret(served, engine):
    status, told = asked(served.health)
    assert status == 200 and told["status"] == "ok"
    assert told["weights"] == engine.weights_hash and told["device"] == "cpu"
    assert told["loss"] == engine.loss_backend and told["segmenter"] == "auto"
    assert told["runs_kept"] == 0 and told["seconds_for_10_steps"] > 0 and not told["measured"]
    assert told["peak_memory_mb"] > 50


def test_out_of_order_is_an_error_to_those_who_watch():
    assert asked(unavailable) == (503, {"status": "out of order"})


def test_it_says_once_that_it_is_ready_and_then_sweeps(served, monkeypatch, capsys):
    swept, told = [], []

    class EnoughError(Exception):
        pass

    def sleep(seconds):
        raise EnoughError

    monkeypatch.setattr(service, "log_event", lambda event, **facts: told.append((event, facts)))
    monkeypatch.setattr(served.context.store, "sweep", swept.append)
    monkeypatch.setattr(service.time, "sleep", sleep)
    with pytest.raises(EnoughError):
        served.work()
    ((event, facts),) = told
    assert event == "ready" and facts["seconds_for_10_steps"] == pytest.approx(3.0) and facts["measured"]
    assert swept == [service.MAX_AGE]
    json.dumps(facts)


def test_a_session_that_nobody_uses_goes_and_what_a_dead_process_left_too(context, key):
    store = context.store
    folder = store.slot(key).folder
    left, young, foreign = (store.root / name for name in ("spir-left", "spir-young", "others"))
    for path in (left, young, foreign):
        path.mkdir()
    for path in (left, foreign, folder):
        os.utime(path, (1, 1))
    store.sweep(60.0)
    assert folder.exists() and store.slot(key), "it is in use, however old its files are"
    assert not left.exists() and young.exists() and foreign.exists()
    store.slot(key).last_used = time.monotonic() - 61
    store.sweep(60.0)
    assert not folder.exists() and not store.slots


def test_memory_is_in_megabytes():
    before = peak_memory_mb()
    assert 50 < before < 100_000
