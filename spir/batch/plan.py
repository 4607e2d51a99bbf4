"""What every worker is told, whichever engine it belongs to, and the lock that keeps two runs apart."""

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
    """Small enough to be sent to every worker."""

    settings: Settings
    out: str
    """The root of the store."""
    workers: int = 1
    retry_failed: bool = False

    @property
    def threads(self) -> int:
        """Each worker's share of this machine's cores."""
        return max(1, cores() // self.workers)

    def context(self) -> BatchContext:
        """Load the networks, open the store. Raises WeightsError and ValueError."""
        return BatchContext(self.settings.load(), self.settings, Store(self.out), self.retry_failed)


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """No other run works on this local folder meanwhile; the system frees the lock even if this one is killed.

    Other file systems know no such lock. Raises EngineError where another run has it."""
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
