"""Gradio's copies of what visitors send, which are named after their content: two who send the same share one file."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

YOUNG = 300.0
"""Seconds within which somebody else may have sent the same file again and not yet begun with it."""

MOST = 2 * 2**30
"""Bytes of what was sent and has no run; more than that would fill the disk before it is old enough to go."""


class Uploads:
    """Those that nobody has a run of any more, until they are gone."""

    def __init__(self):
        self.over: set[Path] = set()

    def release(self, files: Iterable[Path]) -> None:
        """Nobody here needs them any more."""
        self.over |= set(files)

    def remove(self, needed: set[Path]) -> None:
        """Delete those that were released, but for what others need and what came just now."""
        # Whoever needs one releases it himself.
        self.over -= needed
        old = {file for file in self.over if age(file) >= YOUNG}
        for file in old:
            file.unlink(missing_ok=True)
        self.over -= old


def bound(root: Path, needed: set[Path]) -> None:
    """Delete the oldest of what was sent and has no run, as long as all of it together is more than `MOST`."""
    loose = [file for file in root.glob("*/*") if not file.parent.name.startswith("spir-")]
    known = []
    for file in loose:
        # Others delete files, too.
        with suppress(OSError):
            if file.is_file() and file not in needed:
                known.append((file.stat().st_mtime, file.stat().st_size, file))
    total = sum(size for _, size, _ in known)
    for _, size, file in sorted(known):
        if total <= MOST:
            break
        file.unlink(missing_ok=True)
        total -= size


def age(file: Path) -> float:
    """Seconds since it was sent last; endless where it is gone."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")
