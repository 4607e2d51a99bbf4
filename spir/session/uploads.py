"""Delete uploads that no session needs. Gradio names its copies after their content, so equal uploads of two
visitors share one file.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MIN_AGE_SECONDS = 300.0
"""The seconds within which another visitor may have sent the same file without a session of it yet."""

MAX_ORPHAN_BYTES = 2 * 2**30
"""The largest total of uploads without a session, in bytes; more could fill the disk before they are old
enough to be deleted."""


class Uploads:
    """This holds the uploads that were released, until they are deleted."""

    def __init__(self):
        self.over: set[Path] = set()

    def release(self, files: Iterable[Path]) -> None:
        """Note that no session here needs these files any more."""
        self.over |= set(files)

    def remove(self, needed: set[Path]) -> None:
        """Delete the released files, except those that other sessions need and those that were sent just
        now."""
        # A session that needs a file releases it again when it is closed.
        self.over -= needed
        old = {file for file in self.over if age(file) >= MIN_AGE_SECONDS}
        for file in old:
            file.unlink(missing_ok=True)
        self.over -= old


def limit_total_size(root: Path, needed: set[Path]) -> None:
    """Delete the oldest uploads without a session while all of them together have more than `MOST` bytes."""
    loose = [file for file in root.glob("*/*") if not file.parent.name.startswith("spir-")]
    known = []
    for file in loose:
        # Another process may delete a file meanwhile.
        with suppress(OSError):
            if file.is_file() and file not in needed:
                known.append((file.stat().st_mtime, file.stat().st_size, file))
    total = sum(size for _, size, _ in known)
    for _, size, file in sorted(known):
        if total <= MAX_ORPHAN_BYTES:
            break
        file.unlink(missing_ok=True)
        total -= size


def age(file: Path) -> float:
    """Return the seconds since the file was last sent; infinity where it is gone."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")
