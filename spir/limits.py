"""Limit how many bytes and how much CPU time the reading of an untrusted file may take.

Pillow parses most of a file's structure in Python, piece by piece, and a crafted file can keep it busy for
hours: with millions of empty pieces, or with thousands of entries that all point at the same megabytes. All
of that goes through `BudgetedReader.read`.
"""

from io import BytesIO
from time import thread_time

MAX_READ_FACTOR = 4
"""The number of times that a file may be read: Pillow tries several formats, and some of them read all of it
twice."""
MIN_READ_BYTES = 2**20
"""The number of bytes that may be read of even the smallest file."""


class ReadBudgetExceeded(Exception):
    """This is raised for a file that costs more to read than its size allows. Pillow does not catch it as one
    of its own errors."""


def cpu_deadline(seconds: float) -> float:
    """Return the time `seconds` from now on the CPU clock of this thread.

    Wall-clock time would blame the file for a busy machine."""
    return thread_time() + seconds


class BudgetedReader(BytesIO):
    """This is a file in memory whose `read` raises ReadBudgetExceeded once too much was read, or for too
    long."""

    def __init__(self, data: bytes, latest: float):
        super().__init__(data)
        self.left = MAX_READ_FACTOR * len(data) + MIN_READ_BYTES
        self.latest = latest

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.left -= len(data)
        if self.left < 0 or thread_time() > self.latest:
            raise ReadBudgetExceeded("this file would be read for ever")
        return data
