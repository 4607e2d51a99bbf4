"""Several processes: a photo each, whoever is killed."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from spir.batch.jobs import jobs
from spir.batch.process_pool import on_processes
from spir.errors import EngineError
from tests.batch.conftest import CARS
from tests.batch.killing import DeadlyPlan, FaultyPlan, StillbornPlan, command, contents

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


@pytest.mark.slow
def test_a_killed_worker_costs_its_photo_and_is_replaced(plan, photos):
    deadly = DeadlyPlan(plan.settings, plan.out, workers=2)
    rows = {row.folder: row for row in on_processes(jobs([str(photos)]), deadly)}
    assert len(rows) == 6 and "killed by signal 9" in rows["car1"].failure
    assert "not a picture" in rows["broken"].failure
    assert not any(rows[f"car{number}"].failure for number in (0, 2, 3, 4))
    assert (Path(plan.out) / "car1" / "failed.json").is_file()


@pytest.mark.parametrize(
    "kind, told", [(StillbornPlan, "signal 9 while they load"), (FaultyPlan, "No weights")]
)
def test_workers_that_cannot_begin_end_the_run(plan, photos, kind, told):
    broken = kind(plan.settings, plan.out, workers=1)
    with pytest.raises(EngineError, match=told):
        list(on_processes(jobs([str(photos)]), broken))


def in_the_middle(photos, out, weights):
    """A run that has done some of its photos, and its workers."""
    run = command(photos, out, weights)
    until(lambda: list(out.glob("car*/run.json")))
    return run, children(run.pid)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_in_the_middle_and_resumed_is_as_if_nothing_had_happened(weights, photos, tmp_path):
    out = tmp_path / "out"
    run, workers = in_the_middle(photos, out, weights)
    # The parent alone: its workers must find out by themselves.
    run.kill()
    run.communicate(timeout=LONGEST)
    until(lambda: not any(alive(pid) for pid in workers))
    done = {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")}
    assert 1 <= len(done) < CARS, "it was to end in the middle"
    again = command(photos, out, weights)
    told = again.communicate(timeout=LONGEST)[0]
    earlier = told.count("(earlier)")
    assert earlier >= len(done) and f"{CARS + 1 - earlier} new, {earlier} from earlier, 1 failed" in told
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    whole = command(photos, tmp_path / "whole", weights)
    whole.communicate(timeout=LONGEST)
    assert again.returncode == whole.returncode == 1
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_stopped_by_hand_it_says_how_to_go_on(weights, photos, tmp_path):
    run, workers = in_the_middle(photos, tmp_path / "out", weights)
    # As from a terminal, where everybody hears it.
    os.killpg(run.pid, signal.SIGINT)
    told = run.communicate(timeout=LONGEST)[0]
    until(lambda: not any(alive(pid) for pid in workers))
    assert run.returncode == 130 and "Traceback" not in told and "The same command goes on" in told
