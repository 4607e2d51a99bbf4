"""Several processes on this machine, each with its own networks and one photo at a time.

The parent hands the photos out, so no two workers have the same one. A worker that is killed costs the photo it
had, and another takes its place. Workers do not outlive the parent, even where that is killed.
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

import torch

from spir.batch.jobs import Job
from spir.batch.plan import Plan
from spir.batch.process import lost, process_job
from spir.batch.rows import Row
from spir.batch.store import Store
from spir.errors import EngineError

STARTS = 3
"""So many workers in a row may die before they have loaded the networks."""
READY, ROW, FAULT = "ready", "row", "fault"
"""What a worker says: with the weights' hash, with a row, with why it cannot work at all."""


def on_processes(jobs: Sequence[Job], plan: Plan) -> Iterator[Row]:
    """The rows in the order in which they are ready. Raises EngineError where no worker can work."""
    crew = Crew(jobs, plan)
    try:
        yield from crew.rows()
    finally:
        crew.dismiss()


@dataclass
class Worker:
    """A process as its parent sees it."""

    process: BaseProcess
    job: Job | None = None


class Crew:
    """All workers, what they do, and what is left to do."""

    def __init__(self, jobs: Sequence[Job], plan: Plan):
        self.plan = plan
        self.waiting = deque(jobs)
        self.weights = ""
        self.deaths = 0
        self.at_work: dict[Connection, Worker] = {}
        self.everybody: list[BaseProcess] = []
        # A forked process would inherit torch's threads in the middle of something.
        self.context = get_context("spawn")

    def rows(self) -> Iterator[Row]:
        for _ in range(min(self.plan.workers, len(self.waiting))):
            self.hire()
        while self.at_work:
            for pipe in wait(list(self.at_work)):
                yield from self.hear(pipe)

    def hire(self) -> None:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, self.plan), daemon=True)
        process.start()
        # With our copy of it closed, the end of the worker is the end of the pipe.
        theirs.close()
        self.everybody.append(process)
        self.at_work[ours] = Worker(process)

    def hear(self, pipe: Connection) -> Iterator[Row]:
        """Take what a worker says, and give it something to do."""
        worker = self.at_work[pipe]
        try:
            kind, said = pipe.recv()
        except (EOFError, OSError):
            yield from self.replace(pipe)
            return
        if kind == FAULT:
            raise EngineError(said)
        if kind == READY:
            self.weights, self.deaths = said, 0
        worker.job = self.waiting.popleft() if self.waiting else None
        if worker.job is None:
            del self.at_work[pipe]
            pipe.close()
        else:
            # One that died just now is found out when it is next listened to.
            with suppress(OSError):
                pipe.send(worker.job)
        if kind == ROW:
            yield said

    def replace(self, pipe: Connection) -> Iterator[Row]:
        """Another worker for one that has died, and the row of the photo that it had."""
        worker = self.at_work.pop(pipe)
        worker.process.join()
        code = worker.process.exitcode
        cause = f"killed by signal {-code}" if code < 0 else f"gone with exit code {code}"
        if worker.job is None:
            self.deaths += 1
            if self.deaths >= STARTS:
                raise EngineError(f"workers are {cause} while they load; fewer --workers need less memory")
        if self.waiting or worker.job is None:
            self.hire()
        if worker.job is not None:
            reason = f"its worker was {cause}; if memory ran out, take fewer --workers"
            yield lost(Store(self.plan.out), worker.job, self.plan.settings, self.weights, reason)

    def dismiss(self) -> None:
        """End them all: what is half done is done anew by the next run."""
        for process in self.everybody:
            process.terminate()
        for process in self.everybody:
            process.join()


def work(pipe: Connection, plan: Plan) -> None:
    """A worker's whole life."""
    # Ctrl-C reaches everybody in the terminal; the parent alone answers it.
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
    """A worker whose parent was killed would go on writing where the next run writes."""
    wait([parent_process().sentinel])
    os._exit(1)
