"""The settings of the process: its device, its threads, its memory."""

import ctypes
import hashlib
import os
from functools import cache
from pathlib import Path

import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
NO_INFLUENCE = ("app", "batch", "data", "evaluate", "train", "__main__.py")
"""Folders and files of spir that do not affect the result for a photo."""
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""The parameter numbers of mallopt."""
HEAPS = 2


def choose_device(preference: str = "auto") -> str:
    """Return cuda before mps before cpu, or the requested device. Raises ValueError where it is not available."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if preference == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(preference.split(":")[0], False):
        raise ValueError(f"there is no device {preference!r} here; choose among {', '.join(DEVICES)}")
    return preference


@cache
def glibc() -> ctypes.CDLL | None:
    """Return the C library where it is glibc, which does not return freed memory to the system by itself; else None."""
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") else None


def share_heaps() -> None:
    """Let all threads share a few heaps from now on; call it before there are many threads."""
    library = glibc()
    if library:
        library.mallopt(ARENA_MAX, HEAPS)


def release_memory() -> None:
    """Return free memory to the system at once; takes some milliseconds."""
    library = glibc()
    if library:
        library.malloc_trim(0)


def prepare_process() -> None:
    """Set up the whole process: as many threads as cores available, memory kept for reuse.

    Safe to repeat."""
    torch.set_num_threads(min(torch.get_num_threads(), cores()))
    library = glibc()
    if library:
        # Returning each step's large arrays to the system and allocating them again takes a quarter of its time.
        library.mallopt(MMAP_THRESHOLD, 2**31 - 1)
        library.mallopt(TRIM_THRESHOLD, 2**31 - 1)


@cache
def code_version() -> str:
    """Return twelve hexadecimal digits that change with every file that a result depends on."""
    folder, found = Path(__file__).parent, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        if file.relative_to(folder).parts[0] not in NO_INFLUENCE:
            found.update(file.read_bytes())
    return found.hexdigest()[:12]


def cores() -> int:
    """Return the number of cores that this process may use: a container often sees many more than it is given."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, round(int(quota) / int(period))))
