"""Define the plan that every worker of every engine gets, and the lock that keeps two runs apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from spir.batch.process import BatchContext
from spir.batch.settings import Settings
from spir.batch.store import Store
from spir.errors import EngineError
from spir.runtime import cores

LOCK = ".spir.lock"


@dataclass(frozen=True)
class Plan:
    """A plan has everything that a worker needs, and is small enough to be sent to each."""

    settings: Settings
    out: str
    """The root of the store."""
    workers: int = 1
    retry_failed: bool = False

    @property
    def threads(self) -> int:
        """The number of this machine's cores for each worker."""
        return max(1, cores() // self.workers)

    def context(self) -> BatchContext:
        """Load the networks and open the store. Raises WeightsError and ValueError."""
        return BatchContext(self.settings.load(), self.settings, Store(self.out), self.retry_failed)


@contextmanager
def exclusive_lock(store: Store) -> Iterator[None]:
    """Hold the lock of a local folder, so that no other run works on it; the system frees it even if this
    process is killed.

    Other file systems have no such lock. Raises EngineError where another run holds it."""
    if not store.local:
        yield
        return
    Path(store.root).mkdir(parents=True, exist_ok=True)
    lock = FileLock(Path(store.root, LOCK))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise EngineError(
            f"another run is at work on {store.root}: wait for it, or choose another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()
