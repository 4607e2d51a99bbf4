"""Visitors who come again and again, each by a random plan of his own, and the lone one before them."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.soak.tab import RefusedError, Tab
from tests.soak.visit import LeaveError, Result, Tally, Visit, WrongError

STEPS = (0, 3, 8)
"""How many may be asked for; each also goes on behind a smaller one."""
WHIMS = {"": 75, "stop": 14, "leave waiting": 4, "leave": 7}
"""How runs go on, in percent."""
THINK = 2.0
"""Seconds at most between two things that a visitor does."""
Lone = dict[tuple[Path, int], Result]
"""Photo and steps -> what they give."""


@dataclass
class Visitor:
    server: httpx.AsyncClient
    page: dict[str, int]
    photos: Sequence[Path]
    lone: Lone
    tally: Tally
    chance: random.Random

    async def stay(self, until: float) -> None:
        """Visits until then, by the monotonic clock; what fails is counted, and the next visit begins."""
        while time.monotonic() < until:
            await self.think()
            try:
                async with Tab(self.server, self.page, self.tally.asked).opened() as tab:
                    await self.visit(Visit(tab, self.chance.choice(self.photos), self.tally), until)
            except LeaveError:
                self.tally.counts["left in the middle"] += 1
            except WrongError as problem:
                self.tally.counts["wrong"] += 1
                self.tally.errors[f"wrong: {problem}"] += 1
            except (RefusedError, httpx.HTTPError, OSError, TimeoutError) as problem:
                self.tally.counts["lost"] += 1
                self.tally.errors[f"{type(problem).__name__}: {problem}"[:160]] += 1

    async def visit(self, visit: Visit, until: float) -> None:
        """A photo, a run, perhaps more steps, a few things to do with a result that is whole."""
        await visit.show()
        if self.chance.random() < 0.04:
            raise LeaveError
        for steps in sorted(self.chance.sample(STEPS, self.chance.choice((1, 1, 2)))):
            if time.monotonic() > until:
                return
            (whim,) = self.chance.choices(tuple(WHIMS), tuple(WHIMS.values()))
            await visit.run(steps, whim, self.chance.randint(0, 2))
            known = self.lone[visit.photo, steps]
            visit.compare(known)
            if visit.state != "done":
                return
            await self.play(visit, known)

    async def play(self, visit: Visit, known: Result) -> None:
        """What is done with a result."""
        if self.chance.random() < 0.3:
            # Before other colours: one that was given back is as exact as #rrggbb says.
            visit.compare(known, await visit.mesh())
        for act in (visit.recolour, visit.use, visit.pack):
            await self.think()
            if self.chance.random() < 0.25:
                await act()

    async def think(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, THINK))


async def alone(server: httpx.AsyncClient, page: dict[str, int], photos: Sequence[Path]) -> Lone:
    """What somebody gets who has the server for himself."""
    known: Lone = {}
    for photo in photos:
        for steps in STEPS:
            async with Tab(server, page, []).opened() as tab:
                visit = Visit(tab, photo, Tally())
                await visit.show()
                await visit.run(steps)
                known[photo, steps] = Result(visit.frames, visit.colours, await visit.mesh())
    return known
