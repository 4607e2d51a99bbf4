"""Process photos in several processes on this machine, each with its own networks and one photo at a time.

The parent hands out the photos, so no two workers have the same one. A worker that is killed costs the photo
it had, and another worker replaces it. Workers end with the parent, even where that is killed.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import cast

import torch

from spir.batch.jobs import Job
from spir.batch.plan import Plan
from spir.batch.process import process_job, row_of_lost_job
from spir.batch.rows import Row
from spir.batch.store import Store
from spir.errors import EngineError

MAX_START_FAILURES = 3
"""The number of workers in a row that may die before they have loaded the networks."""
READY, ROW, FAULT = "ready", "row", "fault"
"""The kinds of a worker's messages: the weights' hash, a row, and why it cannot work at all."""


def run_pool(jobs: Sequence[Job], plan: Plan) -> Iterator[Row]:
    """Yield the rows in the order in which they are ready. Raises EngineError where no worker can work."""
    pool = ProcessPool(jobs, plan)
    try:
        yield from pool.rows()
    finally:
        pool.stop_all()


@dataclass
class Worker:
    """A worker is a process and the job that it has."""

    process: BaseProcess
    job: Job | None = None


class ProcessPool:
    """The pool has the worker processes, the photo that each works on, and the photos that wait."""

    def __init__(self, jobs: Sequence[Job], plan: Plan):
        self.plan = plan
        self.waiting = deque(jobs)
        self.weights = ""
        self.deaths = 0
        self.at_work: dict[Connection, Worker] = {}
        self.everybody: list[BaseProcess] = []
        # A forked process would inherit torch's threads in an undefined state.
        self.context = get_context("spawn")

    def rows(self) -> Iterator[Row]:
        """Start the workers and yield the rows as they are ready. Raises EngineError where no worker can
        work."""
        for _ in range(min(self.plan.workers, len(self.waiting))):
            self.start_worker()
        while self.at_work:
            for pipe in wait(list(self.at_work)):
                yield from self.receive(cast(Connection, pipe))

    def start_worker(self) -> None:
        """Start another process, which sends a message when it is ready."""
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, self.plan), daemon=True)
        process.start()
        # With the parent's copy closed, the pipe ends when the worker does.
        theirs.close()
        self.everybody.append(process)
        self.at_work[ours] = Worker(process)

    def receive(self, pipe: Connection) -> Iterator[Row]:
        """Receive a worker's message, yield its row, and send it the next photo."""
        worker = self.at_work[pipe]
        try:
            kind, message = pipe.recv()
        except (EOFError, OSError):
            yield from self.replace(pipe)
            return
        if kind == FAULT:
            raise EngineError(message)
        if kind == READY:
            self.weights, self.deaths = message, 0
        worker.job = self.waiting.popleft() if self.waiting else None
        if worker.job is None:
            del self.at_work[pipe]
            pipe.close()
        else:
            # A worker that died just now is noticed at the next receive.
            with suppress(OSError):
                pipe.send(worker.job)
        if kind == ROW:
            yield message

    def replace(self, pipe: Connection) -> Iterator[Row]:
        """Start another worker for one that has died, and yield the row of the photo that it had."""
        worker = self.at_work.pop(pipe)
        worker.process.join()
        # A joined process has an exit code.
        code = worker.process.exitcode or 0
        cause = f"killed by signal {-code}" if code < 0 else f"gone with exit code {code}"
        if worker.job is None:
            self.deaths += 1
            if self.deaths >= MAX_START_FAILURES:
                raise EngineError(f"workers are {cause} while they load; fewer --workers need less memory")
        if self.waiting or worker.job is None:
            self.start_worker()
        if worker.job is not None:
            reason = f"its worker was {cause}; if memory ran out, take fewer --workers"
            yield row_of_lost_job(Store(self.plan.out), worker.job, self.plan.settings, self.weights, reason)

    def stop_all(self) -> None:
        """End all workers; photos that are half done are done anew by the next run."""
        for process in self.everybody:
            process.terminate()
        for process in self.everybody:
            process.join()


def work(pipe: Connection, plan: Plan) -> None:
    """Load the networks, then process photos until the pipe is closed; this runs in a process of its own."""
    # Ctrl-C reaches every process of the terminal; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(min(torch.get_num_threads(), plan.threads))
    try:
        context = plan.context()
    except Exception as problem:
        pipe.send((FAULT, str(problem)))
        return
    pipe.send((READY, context.engine.weights_hash))
    with suppress(EOFError):
        while True:
            pipe.send((ROW, process_job(context, pipe.recv())))


def end_with_parent() -> None:
    """End this worker when its parent is killed: otherwise it would write where the next run writes."""
    parent = parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    os._exit(1)
