"""Hostile files without end: those of the corpus, changed at random, at their doors.

    python -m tests.hostile.fuzz --minutes 10 --seed 0

counts what became of them, and writes each at whose door something went wrong into --out. Ends with 1 where
there was one. `--seed` decides what is tried; the time decides how much of it.
"""

import argparse
import hashlib
import itertools
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from tests.hostile.archives import zipped
from tests.hostile.case import Case
from tests.hostile.corpus import corpus
from tests.hostile.guard import Guard
from tests.hostile.mutate import mutated, mutated_zip
from tests.hostile.worker import Outcome, faults

LARGEST_SEED = 200_000
"""Bytes of a file that is changed: large ones take long and are changed less."""
SLOW_SEEDS = ("large-", "scans-", "unpacks-", "tile-", "packed-", "many-", "notes")
"""Parts of the names of those that take long every time; they are tried more seldom."""
SLOW = 0.05
"""Share of those."""
ZIPS = 0.2
"""Share of those made from the files within the ZIP."""


def tried(seeds: list[Case], seed: int) -> Iterator[Case]:
    """One changed file after another, for ever."""
    draw = random.Random(seed)
    slow = [case for case in seeds if any(part in case.name for part in SLOW_SEEDS)]
    quick = [case for case in seeds if case not in slow]
    for number in itertools.count():
        if draw.random() < ZIPS:
            yield Case(f"{number}.zip", mutated_zip(draw), door="zip")
            continue
        start, other = draw.choice(slow if draw.random() < SLOW else quick), draw.choice(quick)
        yield Case(f"{number}-{start.name}", mutated(start.data, other.data, draw), door=start.door)


class Count:
    """What was seen so far, by all workers together."""

    def __init__(self, out: Path):
        self.out = out
        self.lock = threading.Lock()
        self.kinds, self.wrong = Counter(), Counter()
        self.megabytes, self.seconds = 0.0, 0.0

    def add(self, case: Case, outcome: Outcome) -> None:
        found = faults(outcome)
        with self.lock:
            self.kinds[f"{case.door} {outcome.kind}"] += 1
            self.megabytes = max(self.megabytes, outcome.megabytes)
            self.seconds = max(self.seconds, outcome.seconds)
            for fault in found:
                # Their first words are their kind: how long and how much differs.
                self.wrong["crashed" if outcome.kind == "crashed" else fault.split()[0]] += 1
        if found:
            name = hashlib.sha256(case.data).hexdigest()[:12]
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / f"{case.door}-{name}.bin").write_bytes(case.data)
            (self.out / f"{case.door}-{name}.txt").write_text(f"{case.name}\n{found}\n{outcome}\n")
            print(f"{case.door} {case.name} ({name}): {found}", flush=True)

    def told(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        wrong = ", ".join(f"{count} {fault}" for fault, count in self.wrong.items()) or "nothing"
        worst = f"at most {self.seconds:.2f} s and {self.megabytes:.0f} MB for one"
        return f"{self.kinds.total()} files: {kinds}; {worst}; wrong: {wrong}"


def fuzz(minutes: float, seed: int, workers: int, out: Path) -> Count:
    """Workers beside each other, each with files of its own, until the time is over."""
    seeds = [case for case in corpus() if len(case.data) <= LARGEST_SEED]
    count, latest = Count(out), time.monotonic() + 60 * minutes

    def work(number: int) -> None:
        with Guard(zipped()) as guard:
            for case in tried(seeds, seed * 1000 + number):
                if time.monotonic() > latest:
                    return
                count.add(case, guard.knock(case.door, case.data))

    with ThreadPoolExecutor(workers) as pool:
        working = [pool.submit(work, number) for number in range(workers)]
        while wait(working, timeout=60).not_done:
            print(count.told(), flush=True)
        for done in working:
            done.result()
    print(count.told(), flush=True)
    return count


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder for files that did harm")
    given = options.parse_args()
    return 1 if fuzz(given.minutes, given.seed, given.workers, given.out).wrong else 0


if __name__ == "__main__":
    sys.exit(main())
