"""Several processes: a photo each, whoever is killed."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from spir.folders.jobs import jobs
from spir.folders.plan import EngineError
from spir.folders.workers import on_processes
from tests.folders.killing import DeadlyPlan, FaultyPlan, StillbornPlan, command, contents

LONGEST = 120


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


@pytest.fixture
def many(photos):
    """More photos of the same cars."""
    for number in range(5, 20):
        for suffix in (".png", ".mask.png"):
            shutil.copy(photos / f"car{number % 5}{suffix}", photos / f"car{number}{suffix}")
    return photos


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("whom", ["the parent", "everybody", "by hand"])
def test_killed_in_the_middle_and_resumed_is_as_if_nothing_had_happened(weights, many, tmp_path, whom):
    out = tmp_path / "out"
    run = command(many, out, weights)
    until(lambda: len(list(out.glob("*/run.json"))) > 2)
    workers = children(run.pid)
    if whom == "by hand":
        os.killpg(run.pid, signal.SIGINT)
    else:
        (os.killpg if whom == "everybody" else os.kill)(run.pid, signal.SIGKILL)
    told = run.communicate(timeout=LONGEST)[0]
    until(lambda: not any(alive(pid) for pid in workers))
    done = {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")}
    assert 2 < len(done) < 20, "it was to be killed in the middle"
    if whom == "by hand":
        assert run.returncode == 130 and "Traceback" not in told
        assert "The same command goes on" in told
    again = command(many, out, weights)
    told = again.communicate(timeout=LONGEST)[0]
    assert again.returncode == 1, told
    earlier = told.count("(earlier)")
    assert earlier >= len(done) and f"{21 - earlier} new, {earlier} from earlier, 1 failed" in told
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    whole = command(many, tmp_path / "whole", weights)
    assert whole.wait(LONGEST) == 1
    whole.stdout.close()
    assert contents(out) == contents(tmp_path / "whole")
