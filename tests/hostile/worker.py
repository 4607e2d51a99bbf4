"""The guarded place: a process that takes one hostile file after another, watches itself, and tells what happened.

    python -m tests.hostile.worker

reads a sound ZIP from its standard input, to warm up with, then (door, data), and answers with Outcomes, all of
them pickled behind their length. Whoever started it sees a crash as the end of the answers, and a hang as none
(`tests.hostile.guard`).
"""

import ctypes
import os
import pickle
import re
import struct
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

STARTS_OTHERS = (
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "pty.",
    "webbrowser.",
)
CHANGES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "shutil.",
)
REACHES = (
    "open",
    "os.listdir",
    "os.scandir",
    "glob.",
    "socket.",
    "urllib.",
    "http.",
    "ftplib.",
    "ctypes.dlopen",
)
WATCHED = (*STARTS_OTHERS, *CHANGES, *REACHES)
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
CODE = (".py", ".pyc", ".so", "__pycache__")
"""What Python itself may still load."""
WAY_OUT = re.compile(r"\b(choose|save|download|start anew|give|make|check)\b", re.IGNORECASE)
PATH = re.compile(r"/\w+/|\\\\|0x[0-9a-f]{6}|Traceback|Error\b")


@dataclass(frozen=True)
class Outcome:
    """What a door did with a file."""

    kind: str
    """"taken", "refused" or "crashed"."""
    words: str = ""
    """To the visitor, or what the crash left."""
    seconds: float = 0
    """Of the processor, in all threads."""
    wall: float = 0
    megabytes: float = 0
    """At its highest, beyond what the worker had when it began."""
    foreign: tuple[str, ...] = ()
    """What was touched outside."""
    harmed: bool = False
    """Whether a good photo came out otherwise afterwards."""


class Watch:
    """Everything that Python's audit tells of the outside world, while it is on."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self.heard)

    def heard(self, event: str, given: tuple) -> None:
        if not self.on or not event.startswith(WATCHED):
            return
        names = [str(value) for value in given[:1]]
        own = event in ("open", "os.listdir", "os.scandir", "ctypes.dlopen") and names[0].endswith(CODE)
        if not own and names[0] not in ("/proc/self/status", "/proc/self/clear_refs"):
            self.seen.append(f"{event} {names}")


def status(name: str) -> float:
    """A size of this process, MB; zero where the system does not tell."""
    try:
        found = re.search(rf"^{name}:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def forget_peak() -> None:
    """The highest size counts from now on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def give_back() -> None:
    """What was freed goes back to the system, so that it does not count for the next file."""
    if sys.platform == "linux" and hasattr(LIBC, "malloc_trim"):
        LIBC.malloc_trim(0)


class Guarded:
    """The doors, the watch at them, and the good photo that must come out the same."""

    def __init__(self, sound: bytes):
        from tests.hostile.doors import Doors, good_photo

        self.doors, self.good_photo = Doors(sound), good_photo
        self.doors.warm()
        self.good = good_photo()
        self.watch = Watch()
        give_back()
        self.base = status("VmRSS")

    def knock(self, door: str, data: bytes) -> Outcome:
        """What becomes of a file."""
        forget_peak()
        start, spent = time.perf_counter(), time.process_time()
        self.watch.seen, self.watch.on = [], True
        try:
            kind, words = self.doors.take(door, data)
        except BaseException:
            kind, words = "crashed", traceback.format_exc()[-3000:]
        self.watch.on = False
        seconds, wall = time.process_time() - spent, time.perf_counter() - start
        grown = max(0.0, status("VmHWM") - self.base)
        give_back()
        harmed = self.good_photo() != self.good
        return Outcome(kind, words, seconds, wall, grown, tuple(self.watch.seen), harmed)


def faults(outcome: Outcome, seconds: float = 2.0, megabytes: float = 700.0) -> list[str]:
    """What is wrong with an outcome, in words; nothing where all is well."""
    found = []
    if outcome.kind == "crashed":
        found.append(outcome.words.strip().splitlines()[-1])
    if outcome.kind == "refused":
        if not WAY_OUT.search(outcome.words) or PATH.search(outcome.words) or len(outcome.words) > 400:
            found.append(f"says {outcome.words!r}")
    # By the processor's clock: a machine that others use too is not the file's fault. Four times as long on
    # the wall is one, whoever else is there: it waits for something.
    if outcome.seconds > seconds or outcome.wall > 4 * seconds:
        found.append(f"takes {outcome.seconds:.1f} s ({outcome.wall:.1f} s on the wall)")
    if outcome.megabytes > megabytes:
        found.append(f"takes {outcome.megabytes:.0f} MB")
    if outcome.foreign:
        found.append(f"touches {outcome.foreign[:3]}")
    if outcome.harmed:
        found.append("harms the next visitor")
    return found


def send(stream: BinaryIO, value: object) -> None:
    packed = pickle.dumps(value)
    stream.write(struct.pack("<Q", len(packed)) + packed)
    stream.flush()


def receive(stream: BinaryIO) -> object:
    """Raises EOFError where nothing more comes."""
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    return pickle.loads(stream.read(struct.unpack("<Q", head)[0]))


def main() -> None:
    # Libraries in C may print to the standard output: answers get a pipe of their own.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    guarded = Guarded(receive(sys.stdin.buffer))
    send(answers, "ready")
    while True:
        try:
            door, data = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(answers, guarded.knock(door, data))


if __name__ == "__main__":
    # Under its own name, as pickle writes where a class comes from.
    from tests.hostile import worker

    worker.main()
