"""What a stranger sent is read with patience, and patience ends: so many bytes, so much of the processor's time.

Pillow reads most of a file's structure in Python, piece by piece, and a file may make it do so for hours: millions
of empty pieces, or thousands of notes that all point at the same megabytes. All of that goes through `read`.
"""

from io import BytesIO
from time import thread_time

READ_AGAIN = 4
"""How often a file may be read over: Pillow tries several formats, and some of them read all of it twice."""
AT_LEAST = 2**20
"""Bytes that may be read of even the smallest file."""


class ReadBudgetExceeded(Exception):
    """A file that costs more to read than its size allows. No kind of error that Pillow takes for its own."""


def cpu_deadline(seconds: float) -> float:
    """The moment, by the processor's clock of this thread, that lies so far ahead.

    Not by the one on the wall: a busy machine is not the file's fault."""
    return thread_time() + seconds


class BudgetedReader(BytesIO):
    """A file in memory whose `read` raises ReadBudgetExceeded once it was read too much or for too long."""

    def __init__(self, data: bytes, latest: float):
        super().__init__(data)
        self.left = READ_AGAIN * len(data) + AT_LEAST
        self.latest = latest

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.left -= len(data)
        if self.left < 0 or thread_time() > self.latest:
            raise ReadBudgetExceeded("this file would be read for ever")
        return data
