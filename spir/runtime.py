"""The process that everything runs in: its device, its threads, its memory."""

import ctypes
import os
import sys
from pathlib import Path

import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3


def choose_device(preference: str = "auto") -> str:
    """cuda before mps before cpu, or the one asked for. Raises ValueError where it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if preference == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(preference.split(":")[0], False):
        raise ValueError(f"there is no device {preference!r} here; choose among {', '.join(DEVICES)}")
    return preference


def prepare_process() -> None:
    """Settings of the whole process: threads as many as the machine really lends, memory kept for reuse.

    Safe to repeat."""
    torch.set_num_threads(min(torch.get_num_threads(), cores()))
    if sys.platform == "linux":
        # Giving each step's large arrays back to the system and asking for them again costs a quarter of
        # its time. Other C libraries than glibc have no such call.
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(MMAP_THRESHOLD, 2**31 - 1)
            libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)


def cores() -> int:
    """Cores that this process may use: a container often sees many more than it is given."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, round(int(quota) / int(period))))
