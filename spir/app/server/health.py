"""Run the background work of the process (warm-up and sweeping), and answer at /healthz."""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable

import torch
from starlette.requests import Request
from starlette.responses import JSONResponse

from spir.app.context import AppContext
from spir.app.server.gpu import GPU_PER_CALL
from spir.app.server.logging import log, log_event
from spir.photo.segmenters.rembg import REMBG_MODEL, network
from spir.pipeline import HYBRID_FAST
from spir.runtime import release_memory, share_heaps

SWEEP_EVERY = 15.0
"""The seconds between two sweeps of unused sessions."""
MAX_AGE = 7200.0
"""The seconds that an unused session is kept; the page says two hours."""


class HealthService:
    """The service warms up, sweeps and reports the health of the process."""

    def __init__(self, context: AppContext, warm: Callable[[], None]):
        """Create the service; `warm` does in advance what would make the first visitor wait."""
        self.context = context
        self.warm = warm
        self.began = time.monotonic()

    def begin(self) -> None:
        """Start the warm-up and the sweeping in the background."""
        share_heaps()
        threading.Thread(target=self.work, daemon=True, name="service").start()

    def work(self) -> None:
        try:
            self.warm()
        except Exception:
            # A page that could not be warmed may still work; the log says what it was.
            log.exception("warming failed")
        log_event("ready", **self.facts())
        while True:
            self.context.store.sweep(MAX_AGE)
            release_memory()
            time.sleep(SWEEP_EVERY)

    def facts(self) -> dict[str, object]:
        """Return the device, the weights, the segmenter, the loss, and the seconds that ten steps take."""
        engine, estimate = self.context.engine, self.context.estimate
        rembg = network(REMBG_MODEL)
        return {
            "device": "lent by the call" if GPU_PER_CALL else engine.device,
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
            f"seconds_for_{HYBRID_FAST.steps}_steps": round(estimate.seconds(HYBRID_FAST.steps), 2),
            "measured": estimate.measured,
        }

    def health(self, request: Request) -> JSONResponse:
        """Return the status, the facts, the uptime and the peak memory as JSON."""
        return JSONResponse(
            {
                "status": "ok",
                **self.facts(),
                "runs_kept": len(self.context.store.slots),
                "seconds_up": round(time.monotonic() - self.began),
                "peak_memory_mb": peak_memory_mb(),
                "process": os.getpid(),
            }
        )


def unavailable(request: Request) -> JSONResponse:
    """Return the status 503 of a server that cannot run."""
    return JSONResponse({"status": "out of order"}, status_code=503)


def peak_memory_mb() -> int:
    """Return the peak memory of this process in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (2**20 if sys.platform == "darwin" else 2**10)
