"""Whoever keeps the worker: it starts it, hands it files, and survives its crashes and hangs."""

import contextlib
import os
import select
import subprocess
import sys
from pathlib import Path

from tests.hostile.worker import Outcome, receive, send

HOME = Path(__file__).parents[2]
PATIENCE = 30
"""Seconds on the wall after which a file that has no answer hangs."""
START = 180
"""Seconds to start, on a machine that others use too."""


class Guard:
    """A worker, another one when that is lost; `with` ends it."""

    def __init__(self, sound: bytes = b""):
        """`sound` is a ZIP that each worker takes before it begins."""
        self.sound = sound
        self.worker: subprocess.Popen | None = None

    def __enter__(self) -> "Guard":
        return self

    def __exit__(self, *problem) -> None:
        self.end()

    def end(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            with contextlib.suppress(BrokenPipeError):
                # What it never read is still in there.
                self.worker.stdin.close()
            self.worker.stdout.close()
            self.worker = None

    def start(self) -> None:
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.worker"],
            cwd=HOME,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        send(self.worker.stdin, self.sound)
        if self.answer(START) != "ready":
            raise RuntimeError("the worker did not start: python -m tests.hostile.worker says why")

    def answer(self, seconds: float) -> object:
        """What the worker says, or none."""
        ready, _, _ = select.select([self.worker.stdout], [], [], seconds)
        try:
            return receive(self.worker.stdout) if ready else None
        except EOFError:
            return None

    def knock(self, door: str, data: bytes) -> Outcome:
        """What becomes of a file, be it the end of the worker."""
        if self.worker is None:
            self.start()
        try:
            send(self.worker.stdin, (door, data))
            outcome = self.answer(PATIENCE)
        except BrokenPipeError:
            outcome = None
        if isinstance(outcome, Outcome):
            return outcome
        ended = self.worker.poll()
        self.end()
        if ended is None:
            return Outcome("crashed", f"no answer within {PATIENCE} s", PATIENCE, PATIENCE)
        return Outcome("crashed", f"the process ended with {ended}")
