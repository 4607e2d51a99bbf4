"""A tab of the page without a browser: it sends what the page sends, in a session of its own."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from gradio_client.utils import apply_diff

META = {"_type": "gradio.FileData"}
LONG = 300.0
"""Seconds after which an answer counts as lost."""


class BusyError(Exception):
    """So many wait already that the server took no more."""


class RefusedError(Exception):
    """The event ended in a sentence for the visitor."""


@dataclass
class Asked:
    """One event that went through the queue."""

    name: str
    joined: float
    """By the monotonic clock, as all times here."""
    told: float | None = None
    """Seconds to the result by the server's first estimate."""
    rank: int | None = None
    """Who stood before it then."""
    begun: float | None = None
    ended: float | None = None
    cut_short: bool = False
    """By a Stop, so that its length says nothing of the estimate."""


@dataclass
class Tab:
    """`page` says which number each event of the page has; `heard` collects what was asked of the queue."""

    server: httpx.AsyncClient
    page: dict[str, int]
    heard: list[Asked]
    session: str = field(default_factory=lambda: secrets.token_hex(6))
    key: str | None = None
    """Of the run, as the timeline tells it."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Tab"]:
        """Alive for as long as the block lasts; at its end the visitor has left."""
        ready = asyncio.Event()
        beating = asyncio.create_task(self.beat(ready))
        try:
            await asyncio.wait_for(ready.wait(), LONG)
            await self.light("open_first_example", 10)
            yield self
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError, httpx.HTTPError):
                await beating

    async def beat(self, ready: asyncio.Event) -> None:
        """What tells the server that the tab is open."""
        async with self.server.stream("GET", f"/heartbeat/{self.session}") as stream:
            async for _ in stream.aiter_raw():
                ready.set()

    async def light(self, name: str, *values: Any) -> list:
        """The outputs of an event that does not wait in the queue."""
        answer = await self.server.post("/run/predict", json=self.body(name, values))
        answer.raise_for_status()
        return answer.json()["data"]

    async def upload(self, path: Path) -> dict:
        """A file, as an argument."""
        answer = await self.server.post("/upload", files={"files": (path.name, path.read_bytes())})
        answer.raise_for_status()
        return {"path": answer.json()[0], "meta": META}

    async def ask(self, name: str, *values: Any, watch: Callable[[list], Any] | None = None) -> list:
        """The last outputs of an event that waits in the queue; `watch` is awaited with all that come.

        Raises BusyError and RefusedError."""
        asked = Asked(name, time.monotonic())
        answer = await self.server.post("/queue/join", json=self.body(name, values))
        if answer.status_code == 503:
            raise BusyError
        answer.raise_for_status()
        self.heard.append(asked)
        outputs: list = []
        async for message in self.messages():
            if message.get("event_id") != answer.json()["event_id"]:
                continue
            outputs = self.taken(asked, message, outputs)
            if message["msg"] == "process_generating" and watch:
                await watch(outputs, asked)
            if message["msg"] == "process_completed":
                return outputs
        raise ConnectionError(f"{name} was never answered")

    def taken(self, asked: Asked, message: dict, outputs: list) -> list:
        """The outputs after one more message, whose times are noted."""
        match message["msg"]:
            case "estimation" if asked.rank is None and message.get("rank_eta") is not None:
                asked.told, asked.rank = message["rank_eta"], message["rank"]
            case "process_starts":
                asked.begun = time.monotonic()
            case "process_generating":
                data = message["output"]["data"]
                if not outputs:
                    return list(data)
                return [apply_diff(old, new) for old, new in zip(outputs, data, strict=True)]
            case "process_completed":
                asked.ended = time.monotonic()
                if not message["success"]:
                    raise RefusedError(str(message["output"].get("error")))
                # A generator's last outputs are those that came before.
                return outputs or message["output"]["data"]
        return outputs

    async def messages(self) -> AsyncIterator[dict]:
        """What the queue has to say to this session."""
        async with self.server.stream("GET", "/queue/data", params={"session_hash": self.session}) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def body(self, name: str, values: tuple) -> dict:
        return {"data": list(values), "fn_index": self.page[name], "session_hash": self.session}


async def events_of(server: httpx.AsyncClient) -> dict[str, int]:
    """Name -> number of every event of the page."""
    answer = await server.get("/../config")
    return {event["api_name"]: event["id"] for event in answer.json()["dependencies"]}
