"""Memory that was freed goes back to the system: glibc would keep it for later, in a heap for every thread."""

import ctypes
from functools import cache

ARENA_MAX = -8
"""The number of mallopt's setting."""
HEAPS = 2


@cache
def glibc() -> ctypes.CDLL | None:
    """The C library, where it is the one that needs to be told."""
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") else None


def few_heaps() -> None:
    """From now on, threads share a few; to be called before there are many threads."""
    if glibc():
        glibc().mallopt(ARENA_MAX, HEAPS)


def give_back() -> None:
    """Whatever is free, at once; some milliseconds."""
    if glibc():
        glibc().malloc_trim(0)
