"""The sessions of many visitors: a bounded number, by key, each with a folder for its files."""

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

import torch

from spir.errors import UnknownSessionError
from spir.session.session import Session, rebase
from spir.session.uploads import Uploads, bound
from spir.types import Step

CAPACITY = 64
"""Sessions kept at once; the one that was used longest ago goes first."""


@dataclass
class Slot:
    """A session as the store keeps it."""

    visitor: str
    folder: Path
    session: Session
    files: tuple[Path, ...] = ()
    """The files that the visitor sent, which go with the session."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: end after the present step."""
    dropped: bool = False
    """Whether nobody can come back to it."""
    used: float = field(default_factory=time.monotonic)
    """When it was last asked for."""
    number: int = field(default_factory=itertools.count(1).__next__)
    """Its name in the log: whoever knows its key owns it."""


class SessionStore:
    """Least-recently-used sessions; safe to share between threads."""

    def __init__(self, root: Path, capacity: int = CAPACITY):
        """`root` holds the folders of sessions and the files that were sent."""
        self.capacity = capacity
        self.root = root
        self.slots: OrderedDict[str, Slot] = OrderedDict()
        self.uploads = Uploads()
        self.lock = threading.Lock()

    def open(self, visitor: str, session: Session, files: tuple[Path, ...] = ()) -> str:
        """Keep a new session of a visitor; returns its key."""
        self.root.mkdir(parents=True, exist_ok=True)
        key = uuid.uuid4().hex
        # Not the key itself: whoever sees the address of a file shall not own the session.
        folder = Path(tempfile.mkdtemp(prefix=f"spir-{uuid.uuid4().hex}-", dir=self.root))
        with self.lock:
            self.slots[key] = Slot(visitor, folder, at_rest(session), files)
            surplus = [self.slots.popitem(last=False)[1] for _ in range(len(self.slots) - self.capacity)]
        for slot in surplus:
            self.clear(slot)
        return key

    def slot(self, key: str | None) -> Slot:
        """The slot of a key, now the most recently used. Raises UnknownSessionError."""
        with self.lock:
            if key not in self.slots:
                raise UnknownSessionError(key)
            self.slots.move_to_end(key)
            self.slots[key].used = time.monotonic()
            return self.slots[key]

    def get(self, key: str | None) -> Session:
        """The session of a key. Raises UnknownSessionError."""
        return self.slot(key).session

    def commit(self, key: str, base: Session, changed: Session) -> None:
        """Keep what an action made of `base`; what other actions changed meanwhile stays. A dropped session is ignored."""
        with self.lock:
            slot = self.slots.get(key)
            if slot is not None:
                slot.session = at_rest(rebase(slot.session, base, changed))

    def close(self, key: str | None) -> None:
        """Forget a session; an unknown key is no error."""
        with self.lock:
            slot = self.slots.pop(key, None)
        if slot is not None:
            self.clear(slot)

    def clear(self, slot: Slot) -> None:
        """End whatever still works for a session that is no longer here, and remove its files."""
        slot.dropped = True
        slot.stop.set()
        shutil.rmtree(slot.folder, ignore_errors=True)
        self.release(slot.files)

    def release(self, files: Iterable[Path]) -> None:
        """Remove files that were sent and are no longer needed, unless somebody else needs them, or may be about to."""
        with self.lock:
            self.uploads.release(files)
            self.uploads.remove({file for slot in self.slots.values() for file in slot.files})

    @contextmanager
    def unless_left(self, key: str) -> Iterator[None]:
        """Around the message that tells a visitor of a new session: who left meanwhile left before it was there."""
        try:
            yield
        except GeneratorExit:
            self.close(key)
            raise

    def sweep(self, age: float) -> None:
        """Forget what was not used for so many seconds, and remove what an earlier process left behind."""
        latest = time.monotonic() - age
        with self.lock:
            keys = [key for key, slot in self.slots.items() if slot.used < latest]
        for key in keys:
            self.close(key)
        self.release(())
        with self.lock:
            ours = {slot.folder for slot in self.slots.values()}
            needed = {file for slot in self.slots.values() for file in slot.files}
        bound(self.root, needed)
        for folder in self.root.glob("spir-*"):
            # Where several processes share the folder, theirs are young.
            if folder not in ours and modified(folder) < time.time() - age:
                shutil.rmtree(folder, ignore_errors=True)

    def close_visitor(self, visitor: str) -> None:
        """Forget everything of a visitor who left."""
        with self.lock:
            keys = [key for key, slot in self.slots.items() if slot.visitor == visitor]
        for key in keys:
            self.close(key)


def modified(folder: Path) -> float:
    """When something in it last came or went; now, where it has just gone."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def at_rest(session: Session) -> Session:
    """The session with the pictures of its steps in half precision; code and pose stay exact."""
    if session.result is None:
        return session
    trajectory = session.result.trajectory
    if all(step.rgb.dtype is torch.float16 for step in trajectory.steps):
        return session
    segments = tuple(
        replace(segment, steps=tuple(small(step) for step in segment.steps))
        for segment in trajectory.segments
    )
    result = replace(session.result, trajectory=replace(trajectory, segments=segments))
    return replace(session, result=result)


def small(step: Step) -> Step:
    """A step with its pictures in half precision."""
    if step.rgb.dtype is torch.float16:
        return step
    return replace(step, rgb=step.rgb.half(), alpha=step.alpha.half())
