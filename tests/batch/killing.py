"""Runs that are killed, and what is left of them."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from spir.batch.jobs import jobs
from spir.batch.plan import Plan, exclusive_lock
from spir.batch.process_pool import run_pool
from spir.batch.store import Store
from spir.errors import WeightsError
from tests.batch.conftest import quick_settings

ROOT = Path(__file__).resolve().parents[2]


class DeadlyStore(Store):
    """Whoever asks for one of the cars dies, as by the system for want of memory."""

    def record(self, folder):
        if folder == "car1":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().record(folder)


@dataclass(frozen=True)
class DeadlyPlan(Plan):
    def context(self):
        return replace(super().context(), store=DeadlyStore(self.out))


@dataclass(frozen=True)
class StillbornPlan(Plan):
    def context(self):
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class FaultyPlan(Plan):
    def context(self):
        raise WeightsError("No weights here.")


class EndlessStore(Store):
    """Whoever asks for one of the cars never gets an answer."""

    def record(self, folder):
        if folder == "car1":
            time.sleep(3600)
        return super().record(folder)


@dataclass(frozen=True)
class EndlessPlan(Plan):
    def context(self):
        return replace(super().context(), store=EndlessStore(self.out))


def begin(photos, out, weights):
    """A run of one worker that never comes to its end."""
    with exclusive_lock(Store(out)):
        list(run_pool(jobs([photos]), EndlessPlan(quick_settings(weights), out)))


def begun(photos, out, weights):
    """The same in a process of its own."""
    code = "import sys; from tests.batch.killing import begin; begin(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(photos), str(out), str(weights)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def command(photos, out, weights, *more):
    """The command line in a process of its own, with workers of one thread each, in a process group of its own."""
    quick = ("--steps", "0", "--no-mesh", "--no-turntable", "--device", "cpu", "--workers", "2")
    given = (str(photos), "--out", str(out), "--weights", str(weights))
    return subprocess.Popen(
        [sys.executable, "-m", "spir", *given, *quick, *more],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Where the tests run in the background of a script, Ctrl-C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def contents(root):
    """Every file in the folders below with its bytes; times left out, and the report, which tells them."""
    found = {}
    for path in sorted(root.glob("*/*")):
        lines = path.read_bytes().splitlines(keepends=True)
        found[str(path.relative_to(root))] = b"".join(line for line in lines if b'"seconds' not in line)
    return found
