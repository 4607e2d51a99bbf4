"""Keep the sessions of many visitors: a bounded number, by key, each with a folder for its files."""

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
from spir.session.session import Session, merge_changes
from spir.session.uploads import Uploads, limit_total_size
from spir.types import Step

CAPACITY = 64
"""The number of sessions kept at once; the least recently used one is dropped first."""


@dataclass
class Slot:
    """A slot holds one session in the store."""

    visitor: str
    folder: Path
    session: Session
    files: tuple[Path, ...] = ()
    """The visitor's uploads, which are deleted with the session."""
    stop: threading.Event = field(default_factory=threading.Event)
    """The event that, once set, ends the run after the current step."""
    dropped: bool = False
    """Whether the store has dropped the session."""
    last_used: float = field(default_factory=time.monotonic)
    """The monotonic time in seconds of the last access."""
    log_id: int = field(default_factory=itertools.count(1).__next__)
    """The session's number in the log, where its key must not appear: whoever knows the key owns the
    session."""


class SessionStore:
    """The store keeps the most recently used sessions, and threads may share it."""

    def __init__(self, root: Path, capacity: int = CAPACITY):
        """Create an empty store; `root` holds the sessions' folders and the uploads."""
        self.capacity = capacity
        self.root = root
        self.slots: OrderedDict[str, Slot] = OrderedDict()
        self.uploads = Uploads()
        self.lock = threading.Lock()

    def open(self, visitor: str, session: Session, files: tuple[Path, ...] = ()) -> str:
        """Keep a new session of a visitor; returns its key."""
        self.root.mkdir(parents=True, exist_ok=True)
        key = uuid.uuid4().hex
        # The folder's name is not the key: whoever sees a file's URL must not own the session.
        folder = Path(tempfile.mkdtemp(prefix=f"spir-{uuid.uuid4().hex}-", dir=self.root))
        with self.lock:
            self.slots[key] = Slot(visitor, folder, compact(session), files)
            surplus = [self.slots.popitem(last=False)[1] for _ in range(len(self.slots) - self.capacity)]
        for slot in surplus:
            self.dispose(slot)
        return key

    def slot(self, key: str | None) -> Slot:
        """Return the slot of a key and mark it as the most recently used. Raises UnknownSessionError."""
        with self.lock:
            if key is None or key not in self.slots:
                raise UnknownSessionError(key)
            self.slots.move_to_end(key)
            self.slots[key].last_used = time.monotonic()
            return self.slots[key]

    def get(self, key: str | None) -> Session:
        """Return the session of a key. Raises UnknownSessionError."""
        return self.slot(key).session

    def commit(self, key: str, base: Session, changed: Session) -> None:
        """Store what an action made of `base`; fields that other actions changed meanwhile stay. A dropped
        session is ignored."""
        with self.lock:
            slot = self.slots.get(key)
            if slot is not None:
                slot.session = compact(merge_changes(slot.session, base, changed))

    def close(self, key: str | None) -> None:
        """Drop a session; an unknown key is no error."""
        with self.lock:
            slot = None if key is None else self.slots.pop(key, None)
        if slot is not None:
            self.dispose(slot)

    def dispose(self, slot: Slot) -> None:
        """Stop whatever still works for a dropped session, and remove its files."""
        slot.dropped = True
        slot.stop.set()
        shutil.rmtree(slot.folder, ignore_errors=True)
        self.release(slot.files)

    def release(self, files: Iterable[Path]) -> None:
        """Remove uploads that are no longer needed, except those that another session needs or may soon
        need."""
        with self.lock:
            self.uploads.release(files)
            self.uploads.remove({file for slot in self.slots.values() for file in slot.files})

    @contextmanager
    def close_on_disconnect(self, key: str) -> Iterator[None]:
        """Close the new session if the visitor leaves while the message about it is being sent."""
        try:
            yield
        except GeneratorExit:
            self.close(key)
            raise

    def sweep(self, age: float) -> None:
        """Drop the sessions that were not used for `age` seconds, and remove what an earlier process left
        behind."""
        latest = time.monotonic() - age
        with self.lock:
            keys = [key for key, slot in self.slots.items() if slot.last_used < latest]
        for key in keys:
            self.close(key)
        self.release(())
        with self.lock:
            ours = {slot.folder for slot in self.slots.values()}
            needed = {file for slot in self.slots.values() for file in slot.files}
        limit_total_size(self.root, needed)
        for folder in self.root.glob("spir-*"):
            # Folders of other processes that share the root are younger than `age`.
            if folder not in ours and modified(folder) < time.time() - age:
                shutil.rmtree(folder, ignore_errors=True)

    def close_visitor(self, visitor: str) -> None:
        """Drop all sessions of a visitor who left."""
        with self.lock:
            keys = [key for key, slot in self.slots.items() if slot.visitor == visitor]
        for key in keys:
            self.close(key)


def modified(folder: Path) -> float:
    """Return the time at which something was last added to or removed from the folder; now, where it has just
    been removed."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def compact(session: Session) -> Session:
    """Return the session with the pictures of its steps in half precision; code and pose stay exact."""
    if session.result is None:
        return session
    trajectory = session.result.trajectory
    if all(step.rgb.dtype is torch.float16 for step in trajectory.steps):
        return session
    segments = tuple(
        replace(segment, steps=tuple(half_precision(step) for step in segment.steps))
        for segment in trajectory.segments
    )
    result = replace(session.result, trajectory=replace(trajectory, segments=segments))
    return replace(session, result=result)


def half_precision(step: Step) -> Step:
    """Return the step with its pictures in half precision."""
    if step.rgb.dtype is torch.float16:
        return step
    return replace(step, rgb=step.rgb.half(), alpha=step.alpha.half())
