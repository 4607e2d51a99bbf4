"""The process around the page: what it says when it is ready and when it is asked how it is, and what it sweeps away."""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable

import torch
from starlette.requests import Request
from starlette.responses import JSONResponse

from spir.app.handlers.base import Handlers
from spir.app.server.gpu import LENT
from spir.app.server.logging import log, tell
from spir.app.server.memory import few_heaps, give_back
from spir.photo.segmenters.rembg import REMBG_MODEL, network
from spir.pipeline import HYBRID_FAST

SWEEP_EVERY = 15.0
"""Seconds between two looks for what nobody uses any more."""
KEPT = 7200.0
"""Seconds that a run lives without being used; the page says two hours."""


class Service:
    """What one process knows of itself while it serves a page."""

    def __init__(self, handlers: Handlers, warm: Callable[[], None]):
        """`warm` does what would make the first visitor wait."""
        self.handlers = handlers
        self.warm = warm
        self.began = time.monotonic()

    def begin(self) -> None:
        """Get ready and sweep, both in the background."""
        few_heaps()
        threading.Thread(target=self.work, daemon=True, name="service").start()

    def work(self) -> None:
        try:
            self.warm()
        except Exception:
            # A page that could not be warmed may still work; the log says what it was.
            log.exception("warming failed")
        tell("ready", **self.told())
        while True:
            self.handlers.runs.sweep(KEPT)
            give_back()
            time.sleep(SWEEP_EVERY)

    def told(self) -> dict[str, object]:
        """Device, weights, segmenter, loss, and what ten steps take."""
        engine, pace = self.handlers.engine, self.handlers.pace
        rembg = network(REMBG_MODEL)
        return {
            "device": "lent by the call" if LENT else engine.device,
            "threads": torch.get_num_threads(),
            "category": engine.category.name,
            "weights": engine.weights_hash,
            "segmenter": engine.segmenter,
            "rembg": "there"
            if rembg.session
            else "on its way"
            if rembg.loading
            else rembg.problem or "not here",
            "loss": engine.loss_backend,
            f"seconds_for_{HYBRID_FAST.steps}_steps": round(pace.seconds(HYBRID_FAST.steps), 2),
            "measured": pace.measured,
        }

    def health(self, request: Request) -> JSONResponse:
        """Whether it works, what in, for how long, and how much memory it took at most."""
        return JSONResponse(
            {
                "status": "ok",
                **self.told(),
                "runs_kept": len(self.handlers.runs.runs),
                "seconds_up": round(time.monotonic() - self.began),
                "peak_memory_mb": peak_memory_mb(),
                "process": os.getpid(),
            }
        )


def out_of_order(request: Request) -> JSONResponse:
    """The answer where there is nothing to run."""
    return JSONResponse({"status": "out of order"}, status_code=503)


def peak_memory_mb() -> int:
    """The most that this process held at once."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (2**20 if sys.platform == "darwin" else 2**10)
