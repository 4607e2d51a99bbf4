"""What the server remembers of its visitors: a bounded number of runs and their folders, nothing else.

A page holds only the key of its run; tensors rest here on the CPU, pictures of steps and views in float16.
"""

import itertools
import shutil
import tempfile
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from jaxtyping import Float
from torch import Tensor

from spir.app.server.uploads import Uploads, bound
from spir.pipeline import InversionConfig
from spir.session.evidence import selected_index
from spir.types import Code, Cutout, Fit, Guess, Mesh, Photo, Pose, Step

CAPACITY = 64
"""Runs kept at once; the one that was used longest ago goes first."""


class ForgottenError(LookupError):
    """The run was dropped, or never was."""


@dataclass(frozen=True)
class Surface:
    """A mesh and what it is of, so that it need not be made again."""

    w: Float[Tensor, "1 layers width"]
    resolution: int
    mesh: Mesh
    seconds: float
    """It took."""


@dataclass(frozen=True)
class Look:
    """The surface with the photo's detail, and what it is of, so that it need not be made again."""

    w: Float[Tensor, "1 layers width"]
    quaternion: Float[Tensor, "1 4"]
    target: Cutout
    size: int
    """Texels a side."""
    data: bytes | None
    """A file of `outputs.layer_file`, in the fit's own colours: a hundredth of the layers themselves. None where there
    can be no such surface."""
    seconds: float
    """It took."""

    def of(self, fit: Fit, target: Cutout, size: int) -> bool:
        """Whether it is of that fit of that cut-out, whatever the colours, and fine enough."""
        same = self.w.equal(fit.code.w) and self.quaternion.equal(fit.pose.quaternion)
        return same and self.target is target and self.size >= size


@dataclass(frozen=True)
class Second:
    """Another photo, to mix with."""

    cutout: Cutout
    code: Code | None = None
    steps: int = 0
    """After how many the code was found."""
    mine: Fit | None = None
    """The object it was last mixed with."""


@dataclass
class Run:
    """One photo of one visitor and what came of it."""

    session: str
    folder: Path
    photo: Photo
    upload: bytes
    """The file as it was sent."""
    automatic: Float[Tensor, "height width"]
    """The segmenter's mask, in [0, 1]."""
    mask: Float[Tensor, "height width"]
    """The same, as the visitor painted it."""
    margin: float
    cutout: Cutout
    segmenter: str
    kind: str | None = None
    """What the photo shows, one of `photo.KINDS`, if that is known."""
    remark: str = ""
    """What the visitor should know about the photo before he goes on."""
    guess: Guess | None = None
    fit: Fit | None = None
    """Code and pose in use, and every step of the way."""
    target: Cutout | None = None
    """The cut-out that the fit is of; the brush may have gone on since."""
    target_mask: Float[Tensor, "height width"] | None = None
    """The mask that it was cut out by."""
    origin: Guess | None = None
    """Where the present descent began: at the guess, or where the visitor sent it from."""
    base: int = 0
    """The number of the step at which it began."""
    config: InversionConfig | None = None
    """Its numbers."""
    metrics: tuple[dict[str, float], ...] = ()
    """One per step of the fit."""
    views: tuple[bytes, ...] = ()
    """All round the fit in use, as packed weights (`outputs.weightmaps`)."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: end after the present step."""
    dropped: bool = False
    """Nobody looks at it any more."""
    used: float = field(default_factory=time.monotonic)
    """When it was last asked for."""
    number: int = field(default_factory=itertools.count(1).__next__)
    """What the log calls it: whoever knows its key owns it."""
    sent: tuple[Path, ...] = ()
    """Gradio's copies of what the visitor sent, which go with the run."""
    surface: Surface | None = None
    """The mesh that was made last."""
    look: Look | None = None
    """The same for the one with the photo's detail."""
    other: Second | None = None
    """The second photo."""
    nudged: Pose | None = None
    """Where the visitor put the camera by hand."""

    @property
    def step(self) -> Step | None:
        """The step whose object is in use; none where the visitor mixed one of his own."""
        place = selected_index(self.fit) if self.fit else None
        return None if place is None else self.fit.trajectory[place]

    @property
    def uncoloured(self) -> Fit:
        """The fit in use in the colours that were found, whatever the visitor made of them since."""
        step = self.step
        return self.fit if step is None else replace(self.fit, code=step.code)


class Runs:
    """Least-recently-used runs; safe to share between threads."""

    def __init__(self, capacity: int = CAPACITY, root: Path | None = None):
        self.capacity = capacity
        # Where Gradio keeps its files: what lies there is served as it is, and no copy of it stays behind.
        self.root = Path(root or get_upload_folder())
        self.runs: OrderedDict[str, Run] = OrderedDict()
        self.uploads = Uploads()
        self.lock = threading.Lock()

    def open(self, session: str, **known: Any) -> str:
        """A new run of a visitor with these of its fields; returns its key."""
        self.root.mkdir(parents=True, exist_ok=True)
        key = uuid.uuid4().hex
        # Not the key itself: whoever sees the address of a file shall not own the run.
        folder = Path(tempfile.mkdtemp(prefix=f"spir-{uuid.uuid4().hex}-", dir=self.root))
        with self.lock:
            self.runs[key] = Run(session, folder, **known)
            surplus = [self.runs.popitem(last=False)[1] for _ in range(len(self.runs) - self.capacity)]
        for run in surplus:
            self.clear(run)
        return key

    def get(self, key: str | None) -> Run:
        """The run of a key, now the most recently used. Raises ForgottenError."""
        with self.lock:
            if key not in self.runs:
                raise ForgottenError(key)
            self.runs.move_to_end(key)
            self.runs[key].used = time.monotonic()
            return self.runs[key]

    def close(self, key: str | None) -> None:
        """Forget a run; an unknown key is no error."""
        with self.lock:
            run = self.runs.pop(key, None)
        if run is not None:
            self.clear(run)

    def clear(self, run: Run) -> None:
        """End whatever still works for a run that is no longer here, and remove its files."""
        run.dropped = True
        run.stop.set()
        shutil.rmtree(run.folder, ignore_errors=True)
        self.release(run.sent)

    def release(self, files: Iterable[Path]) -> None:
        """What was sent is no longer needed; it goes unless somebody else needs it, or may be about to."""
        with self.lock:
            self.uploads.release(files)
            self.uploads.remove({file for run in self.runs.values() for file in run.sent})

    @contextmanager
    def unless_left(self, key: str) -> Iterator[None]:
        """Around the message that tells a visitor of his new run: who left meanwhile left before there was a run."""
        try:
            yield
        except GeneratorExit:
            self.close(key)
            raise

    def sweep(self, age: float) -> None:
        """Forget what was not used for so many seconds, and remove what an earlier process left behind."""
        latest = time.monotonic() - age
        with self.lock:
            keys = [key for key, run in self.runs.items() if run.used < latest]
        for key in keys:
            self.close(key)
        self.release(())
        with self.lock:
            ours = {run.folder for run in self.runs.values()}
            needed = {file for run in self.runs.values() for file in run.sent}
        bound(self.root, needed)
        for folder in self.root.glob("spir-*"):
            # Where several processes share the folder, theirs are young.
            if folder not in ours and modified(folder) < time.time() - age:
                shutil.rmtree(folder, ignore_errors=True)

    def close_session(self, session: str) -> None:
        """Forget everything of a visitor who left."""
        with self.lock:
            keys = [key for key, run in self.runs.items() if run.session == session]
        for key in keys:
            self.close(key)


def modified(folder: Path) -> float:
    """When something in it last came or went; now, where it has just gone."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def numbered(step: Step, base: int, since: float) -> Step:
    """A step of a descent that began at step `base`, after `since` seconds."""
    return replace(step, index=base + step.index, seconds=since + step.seconds)


def at_rest(step: Step) -> Step:
    """A step as it is kept: the pictures in half their size, code and pose exact."""
    return replace(step, rgb=step.rgb.half(), alpha=step.alpha.half())
