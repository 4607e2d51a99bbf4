"""Several processes: a photo each, whoever is killed."""

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from spir.__main__ import main
from spir.batch import process_pool
from spir.batch.jobs import jobs
from spir.batch.process_pool import run_pool
from spir.errors import EngineError
from tests.batch.conftest import CARS
from tests.batch.killing import DeadlyPlan, FaultyPlan, StillbornPlan, begun, command, contents

LONGEST = 170
"""Seconds before a test gives up; all of them take far less."""


def until(happened):
    """Wait for a condition; fail where it does not come true."""
    end = time.monotonic() + LONGEST
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def children(pid):
    """The processes that a process has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def alive(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.fixture
def ready_made(monkeypatch):
    """Workers are forked off a process that has imported everything, so that they begin at once."""
    server = multiprocessing.get_context("forkserver")
    # The last is what the first step of an optimiser imports.
    server.set_forkserver_preload(["spir.batch.process", "tests.batch.killing", "torch._dynamo"])
    monkeypatch.setattr(process_pool, "get_context", lambda kind: server)


def test_a_killed_worker_costs_its_photo_and_is_replaced(ready_made, plan, photos):
    deadly = DeadlyPlan(plan.settings, plan.out, workers=2)
    rows = {row.folder: row for row in run_pool(jobs([str(photos)]), deadly)}
    assert len(rows) == CARS + 1 and "killed by signal 9" in rows["car1"].failure
    assert "not a picture" in rows["broken"].failure
    assert not any(rows[f"car{number}"].failure for number in (0, 2))
    assert (Path(plan.out) / "car1" / "failed.json").is_file()


@pytest.mark.parametrize(
    "kind, told", [(StillbornPlan, "signal 9 while they load"), (FaultyPlan, "No weights")]
)
def test_workers_that_cannot_begin_end_the_run(ready_made, plan, photos, kind, told):
    broken = kind(plan.settings, plan.out, workers=1)
    with pytest.raises(EngineError, match=told):
        list(run_pool(jobs([str(photos)]), broken))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_in_the_middle_and_resumed_is_as_if_nothing_had_happened(
    weights, photos, tmp_path, monkeypatch, capsys
):
    out, whole = tmp_path / "out", tmp_path / "whole"
    run = begun(photos, out, weights)
    until(lambda: list(out.glob("car*/*.json")))
    workers = children(run.pid)
    # The parent alone: its workers must find out by themselves.
    run.kill()
    run.wait(LONGEST)
    until(lambda: not any(alive(pid) for pid in workers))
    (done,) = out.glob("*/run.json")
    when = done.stat().st_mtime_ns
    # Somebody may be at work on the code meanwhile.
    record = json.loads(done.read_text())
    monkeypatch.setattr("spir.batch.settings.code_version", lambda: record["notes"]["request"]["code"])
    monkeypatch.setattr("spir.session.record.code_version", lambda: record["code"])
    # Another number of threads adds up in another order.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    quick = ["--weights", str(weights), *"--steps 0 --no-mesh --no-turntable --device cpu".split()]
    codes = [main([str(photos), "--out", str(folder), *quick]) for folder in (out, whole)]
    torch.set_num_threads(threads)
    assert codes == [1, 1]
    # The other one from earlier is the file that is no picture, which came first.
    assert f"{CARS - 1} new, 2 from earlier, 1 failed" in capsys.readouterr().out
    assert done.stat().st_mtime_ns == when
    assert contents(out) == contents(whole)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_stopped_by_hand_it_says_how_to_go_on(weights, photos, tmp_path):
    run = command(photos, tmp_path / "out", weights)
    until(lambda: list(tmp_path.glob("out/car*/*.json")))
    workers = children(run.pid)
    # As from a terminal, where everybody hears it.
    os.killpg(run.pid, signal.SIGINT)
    told = run.communicate(timeout=LONGEST)[0]
    until(lambda: not any(alive(pid) for pid in workers))
    assert run.returncode == 130 and "Traceback" not in told and "The same command goes on" in told
