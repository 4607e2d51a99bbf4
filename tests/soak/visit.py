"""One visit: a photo, runs of it, and what can be done with a result; each thing as the page asks for it."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.tab import Asked, BusyError, Tab

NUMBERS = ("loss", "iou", "psnr")
"""What of a step must be as it was for the lone visitor."""
MESH = 64
GREEN = "#00c000"
TRIES = 60
"""How often a visitor comes back where there was no room, a second apart."""


class WrongError(AssertionError):
    """A result that is not that of the lone run."""


class LeaveError(Exception):
    """The visitor closes the tab in the middle of something."""


@dataclass(frozen=True)
class Result:
    """What a lone run of so many steps gave."""

    frames: dict[int, tuple]
    """Step -> its `NUMBERS`."""
    colours: list[str]
    mesh: str
    """Of the GLB's bytes."""


@dataclass
class Tally:
    """What happened to all visitors together."""

    counts: Counter = field(default_factory=Counter)
    errors: Counter = field(default_factory=Counter)
    asked: list[Asked] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    """When each run had ended, whole or stopped."""


@dataclass
class Visit:
    """What is done in one tab."""

    tab: Tab
    photo: Path
    tally: Tally
    frames: dict[int, tuple] = field(default_factory=dict)
    """Of every step that came."""
    colours: list[str] = field(default_factory=list)
    state: str = ""
    """Of the last run: done or stopped."""

    async def patiently(self, ask: Callable[[], Awaitable[list]]) -> list:
        """The answer of an event, asked for again where there was no room."""
        for _ in range(TRIES):
            try:
                return await ask()
            except BusyError:
                self.tally.counts["told that it is full"] += 1
                await asyncio.sleep(1.0)
        self.tally.counts["gave up"] += 1
        raise LeaveError

    async def ask(self, name: str, *values: Any) -> list:
        return await self.patiently(lambda: self.tab.ask(name, *values))

    async def show(self) -> None:
        """Chooses the photo and waits for its cut-out."""
        file = await self.tab.upload(self.photo)
        await self.tab.light("lambda_1", None)
        _, cut, line = await self.ask("segment_1", file, None)
        self.tab.key = line["run"]
        if not cut["input"]:
            raise WrongError("no cut-out")
        await self.tab.light("empty_mix", None)

    async def run(self, steps: int, whim: str = "", when: int = 0) -> None:
        """Presses Reconstruct and takes what comes, up to the views; by a whim it is stopped or left after `when`
        steps, or left while it waits."""
        await self.ask("wait", None, None)
        await self.tab.light("empty_made")
        seen = 0

        async def watch(outputs: list, asked: Asked) -> None:
            nonlocal seen
            line = outputs[0]
            self.state = line.get("state", self.state)
            for frame in line.get("frames", ()):
                seen += frame["step"] not in self.frames
                self.frames[frame["step"]] = tuple(frame[name] for name in NUMBERS)
            if seen > when and whim == "leave":
                raise LeaveError
            if seen > when and whim == "stop" and not asked.cut_short:
                asked.cut_short = True
                await self.tab.light("stop", None)

        asking = self.patiently(lambda: self.tab.ask("reconstruct_1", None, steps, watch=watch))
        self.tally.counts["asked"] += 1
        try:
            # Who leaves while he waits does so at once.
            await (asyncio.wait_for(asking, 0.05) if whim == "leave waiting" else asking)
        except TimeoutError:
            raise LeaveError from None
        self.tally.counts["finished" if self.state == "done" else "stopped"] += 1
        self.tally.ends.append(time.monotonic())
        await self.turn()

    async def turn(self) -> None:
        """What follows every result: colours and views, then the camera."""
        parts, before = 0, None

        async def watch(outputs: list, asked: Asked) -> None:
            nonlocal parts, before
            around, colours = outputs[:2]
            if isinstance(colours, dict) and colours.get("found"):
                self.colours = colours["found"]
            if around != before:
                parts, before = parts + len(around["parts"]), around

        await self.patiently(lambda: self.tab.ask("turn_2", None, watch=watch))
        if not parts:
            raise WrongError("no views")
        await self.ask("show_2", None)
        await self.tab.light("runtime_lines_1", 10)

    async def mesh(self) -> str:
        """The hash of the mesh as a program gets it."""
        (file,) = await self.ask("export", self.tab.key, "glb", MESH)
        return hashlib.sha256(await self.fetched(file)).hexdigest()

    async def recolour(self) -> None:
        """Another colour and back, as a program does it."""
        now, _ = await self.ask("recolour", self.tab.key, "{}")
        first = next(iter(now))
        for colour in (GREEN, now[first]):
            told, file = await self.ask("recolour", self.tab.key, json.dumps({first: colour}))
            if told != now | {first: colour} or not await self.fetched(file):
                raise WrongError("other colours than were asked for")

    async def pack(self) -> None:
        """Everything to take home."""
        files, _ = await self.ask("files", None, MESH, None)
        if not await self.fetched(files[0]):
            raise WrongError("an empty ZIP")

    async def use(self) -> None:
        """Goes back to the first step and forth to the last."""
        for step in (min(self.frames), max(self.frames)):
            await self.ask("use_1", None, {"looked_at": step})

    async def fetched(self, file: dict) -> bytes:
        answer = await self.tab.server.get(f"/file={file['path']}")
        answer.raise_for_status()
        return answer.content

    def compare(self, known: Result, mesh: str | None = None) -> None:
        """Raises WrongError where something is not as the lone visitor saw it."""
        for step, numbers in self.frames.items():
            if known.frames[step] != numbers:
                raise WrongError(f"step {step}: {numbers} instead of {known.frames[step]}")
        if self.state == "done" and self.frames.keys() != known.frames.keys():
            raise WrongError(f"steps {sorted(self.frames)}")
        if self.state == "done" and self.colours != known.colours:
            raise WrongError("colours")
        if mesh and mesh != known.mesh:
            raise WrongError("mesh")
