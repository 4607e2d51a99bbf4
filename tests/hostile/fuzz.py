"""Files of the corpus, changed at random, at every door for minutes on end; prints what became of them.

    python -m tests.hostile.fuzz --minutes 10 --seed 0

The same seed gives the same files. What fails is kept in --out, one file each, with its door in the name.
"""

import argparse
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from tests.hostile.corpus import corpus
from tests.hostile.guard import Guard
from tests.hostile.mutate import mutated
from tests.hostile.worker import Outcome, faults

LARGEST_SEED = 300_000
"""Bytes: larger files are bombs as they are, and their changes all alike."""


class Fuzz:
    """What several workers share: the seeds, and the count of all that happened."""

    def __init__(self, seed: int, out: Path):
        self.seeds: dict[str, list[bytes]] = {}
        self.sound: dict[str, list[bytes]] = {}
        for case in corpus():
            if 0 < len(case.data) <= LARGEST_SEED:
                self.seeds.setdefault(case.door, []).append(case.data)
                if case.expect == "taken":
                    self.sound.setdefault(case.door, []).append(case.data)
        self.seed, self.out = seed, out
        self.count, self.lock = Counter(), threading.Lock()
        self.slowest = self.largest = 0.0

    def run(self, lane: int, lanes: int, seconds: float) -> None:
        """One worker, on every `lanes`th file, for so long from when it is ready."""
        with Guard() as guard:
            guard.start()
            latest, number = time.monotonic() + seconds, lane
            while time.monotonic() < latest:
                door, data = self.file(number)
                self.tell(number, door, data, guard.knock(door, data))
                number += lanes

    def file(self, number: int) -> tuple[str, bytes]:
        """The file of that number, and its door."""
        draw = random.Random(f"{self.seed} {number}")
        door = draw.choices(("photo", "mask", "zip"), (6, 1, 2))[0]
        # What is refused at the first look leads nowhere: two of three begin with a sound file.
        seeds = draw.choice((self.seeds, self.sound, self.sound))[door]
        return door, mutated(draw.choice(seeds), self.seeds[door], draw)

    def tell(self, number: int, door: str, data: bytes, outcome: Outcome) -> None:
        wrong = faults(outcome)
        with self.lock:
            self.count.update(("inputs", outcome.kind, f"at the door {door}"))
            hangs = outcome.seconds > 2 or outcome.wall > 8
            self.count.update(hangs=hangs, foreign_reads=bool(outcome.foreign), faults=bool(wrong))
            self.slowest = max(self.slowest, outcome.seconds)
            self.largest = max(self.largest, outcome.megabytes)
        if wrong:
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / f"{door}-{self.seed}-{number}").write_bytes(data)
            print(f"{door} {number}: {'; '.join(wrong)}", flush=True)

    def report(self) -> str:
        told = {
            name: self.count[name]
            for name in ("inputs", "taken", "refused", "crashed", "hangs", "foreign_reads")
        }
        lines = [f"{name.replace('_', ' '):14} {number}" for name, number in told.items()]
        lines += [
            f"{name:18} {number}" for name, number in sorted(self.count.items()) if name.startswith("at ")
        ]
        return "\n".join(
            [*lines, f"slowest        {self.slowest:.2f} s", f"most memory    {self.largest:.0f} MB"]
        )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--out", type=Path, default=Path("out/fuzz"), help="where files that fail are kept")
    given = options.parse_args()
    fuzz = Fuzz(given.seed, given.out)
    lanes = [
        threading.Thread(target=fuzz.run, args=(lane, given.workers, 60 * given.minutes))
        for lane in range(given.workers)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    print(fuzz.report())
    return int(fuzz.count["faults"] > 0 or fuzz.count["inputs"] == 0)


if __name__ == "__main__":
    sys.exit(main())
