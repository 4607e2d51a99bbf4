"""What the server remembers of its visitors: a bounded number of runs and their folders, nothing else.

A page holds only the key of its run; tensors rest here on the CPU, pictures of steps and views in float16.
"""

import shutil
import tempfile
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from spir.types import Cutout, Fit, Guess, Photo, Rendering, Step

CAPACITY = 32
"""Runs kept at once; the one that was used longest ago goes first."""


class ForgottenError(LookupError):
    """The run was dropped, or never was."""


@dataclass
class Run:
    """One photo of one visitor and what came of it."""

    session: str
    folder: Path
    photo: Photo
    cutout: Cutout
    segmenter: str
    guess: Guess | None = None
    fit: Fit | None = None
    orbit: Rendering | None = None
    """Views all round the fit."""
    found_palette: Float[Tensor, "values 3"] | None = None
    """The fit's colours before the visitor changed any."""
    metrics: list[dict[str, float]] = field(default_factory=list)
    """One per step of the fit."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: end after the present step."""
    dropped: bool = False
    """Nobody looks at it any more."""


class Runs:
    """Least-recently-used runs; safe to share between threads."""

    def __init__(self, capacity: int = CAPACITY, root: Path | None = None):
        self.capacity = capacity
        self.root = Path(root or tempfile.gettempdir())
        self.runs: OrderedDict[str, Run] = OrderedDict()
        self.lock = threading.Lock()

    def open(self, session: str, photo: Photo, cutout: Cutout, segmenter: str) -> str:
        """A new run; returns its key."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="spir-", dir=self.root))
        key = uuid.uuid4().hex
        with self.lock:
            self.runs[key] = Run(session, folder, photo, cutout, segmenter)
            surplus = [self.runs.popitem(last=False)[1] for _ in range(len(self.runs) - self.capacity)]
        for run in surplus:
            clear(run)
        return key

    def get(self, key: str | None) -> Run:
        """The run of a key, now the most recently used. Raises ForgottenError."""
        with self.lock:
            if key not in self.runs:
                raise ForgottenError(key)
            self.runs.move_to_end(key)
            return self.runs[key]

    def close(self, key: str | None) -> None:
        """Forget a run; an unknown key is no error."""
        with self.lock:
            run = self.runs.pop(key, None)
        if run is not None:
            clear(run)

    def close_session(self, session: str) -> None:
        """Forget everything of a visitor who left."""
        with self.lock:
            keys = [key for key, run in self.runs.items() if run.session == session]
        for key in keys:
            self.close(key)


def clear(run: Run) -> None:
    """End whatever still works for the run, and remove its files."""
    run.dropped = True
    run.stop.set()
    shutil.rmtree(run.folder, ignore_errors=True)


def at_rest(step: Step) -> Step:
    """A step as it is kept: the pictures in half their size, code and pose exact."""
    return replace(step, rgb=step.rgb.half(), alpha=step.alpha.half())


def views_at_rest(rendering: Rendering) -> Rendering:
    """Views as they are kept: what recolouring needs, in float16."""
    return replace(rendering, normals=None, nocs=None).map(lambda tensor: tensor.half())
