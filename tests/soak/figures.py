"""What a soak is judged by: waits against what was told of them, memory against runs, files left behind."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.soak.tab import Asked

WARM_RUNS = 20
"""Runs before memory counts."""
GROWTH = 1.05
OFF = 1.5
"""How far p95 of the waits may be from what was told, as a factor."""


@dataclass(frozen=True)
class Memory:
    """Of the server at one time."""

    at: float
    runs: int
    """That had ended by then."""
    megabytes: float
    kept: int
    """Runs that it still remembered."""


def resident_mb(process: int) -> float:
    """Memory of a process that is in use."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def on_disk(folder: Path) -> tuple[int, int]:
    """Files below a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else float("nan")


def waits(asked: Sequence[Asked]) -> dict[str, float]:
    """Seconds from asking to the result as they were and as they were told, where both are known and nobody
    stopped it; and the seconds before the turn came."""
    known = [one for one in asked if one.told and one.ended and not one.cut_short]
    real, told = [one.ended - one.joined for one in known], [one.told for one in known]
    if len(known) < 2:
        return {"events": len(known)}
    before = [one.begun - one.joined for one in known]
    return {
        "events": len(known),
        "queued median": statistics.median(before),
        "queued p95": p95(before),
        "real median": statistics.median(real),
        "told median": statistics.median(told),
        "real p95": p95(real),
        "told p95": p95(told),
        "p95 ratio": p95(real) / p95(told),
        "median of ratios": statistics.median(a / b for a, b in zip(real, told, strict=True)),
    }


def growth(memory: Sequence[Memory]) -> dict[str, float]:
    """Memory after the warm-up and at the end, medians of a fifth of the samples each, and its slope."""
    counted = [sample for sample in memory if sample.runs >= WARM_RUNS]
    if len(counted) < 5:
        return {"samples": len(counted)}
    some = max(2, len(counted) // 5)
    first, last = (
        statistics.median(sample.megabytes for sample in part) for part in (counted[:some], counted[-some:])
    )
    runs, megabytes = [s.runs for s in counted], [s.megabytes for s in counted]
    slope = statistics.linear_regression(runs, megabytes).slope if len(set(runs)) > 1 else 0.0
    return {
        "samples": len(counted),
        "runs": counted[-1].runs - counted[0].runs,
        "first MB": first,
        "last MB": last,
        "ratio": last / first,
        "MB per 100 runs": 100 * slope,
        "most MB": max(megabytes),
        "most runs kept": max(sample.kept for sample in counted),
    }
