"""The app as a process, visitors at it for some minutes, and what came of it.

    python -m tests.soak --minutes 10 --visitors 20 --seed 0

Ends with 1 where a run was lost or wrong, the waits were not as told, or the memory grew.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.soak.figures import GROWTH, OFF, Memory, growth, on_disk, resident_mb, waits
from tests.soak.tab import LONG, events_of
from tests.soak.visit import Tally
from tests.soak.visitor import Visitor, alone

HOME = Path(__file__).parents[2]
WEIGHTS = {"toy": HOME / "tests/app/toy_weights", "car": HOME / "weights"}
COMMANDS = {"toy": ("-m", "tests.soak.short"), "car": ("app.py",)}
PHOTOS = ("blue-saloon", "orange-pickup", "white-van")
LOOK_EVERY = 5.0
"""Seconds between two looks at the memory."""
PATIENCE = 180.0
"""Seconds for what is still under way at the end."""


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    made.add_argument("--minutes", type=float, default=10)
    made.add_argument("--visitors", type=int, default=20)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--weights", choices=WEIGHTS, default="toy", help="toy: runs are short")
    return made.parse_args()


@contextmanager
def served(weights: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Address and process of the app, which writes below `folder` and logs into `folder`.log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"SPIR_WEIGHTS": str(WEIGHTS[weights]), "GRADIO_SERVER_PORT": str(port), "TMPDIR": str(folder)}
    own |= {"NO_PROXY": "127.0.0.1,localhost", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with Path(f"{folder}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *COMMANDS[weights]], cwd=HOME, env=os.environ | own, stdout=log, stderr=log
        )
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(30)


async def healthy(server: httpx.AsyncClient) -> dict:
    """What /healthz says, once it does and the first step has been measured."""
    latest = time.monotonic() + LONG
    while True:
        try:
            told = (await server.get("/../healthz")).json()
            if told["measured"] or time.monotonic() > latest - LONG + 20:
                return told
        except httpx.TransportError:
            if time.monotonic() > latest:
                raise
        await asyncio.sleep(0.5)


async def watched(server: httpx.AsyncClient, process: int, tally: Tally, seen: list[Memory]) -> None:
    """Looks at the memory again and again."""
    while True:
        kept = (await server.get("/../healthz")).json()["runs_kept"]
        seen.append(Memory(time.monotonic(), len(tally.ends), resident_mb(process), kept))
        print(f"{len(tally.ends)} runs, {seen[-1].megabytes:.0f} MB, {kept} kept", flush=True)
        await asyncio.sleep(LOOK_EVERY)


async def soaked(args: argparse.Namespace, address: str, process: int, folder: Path) -> dict:
    """All that was seen."""
    photos = [HOME / f"assets/examples/{name}.jpg" for name in PHOTOS]
    tally, memory = Tally(), []
    # A visitor's own proxies have no say in what stays on this machine; as many connections as are asked for.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(
        base_url=f"{address}/gradio_api", trust_env=False, timeout=LONG, limits=limits
    ) as server:
        await healthy(server)
        page = await events_of(server)
        lone = await alone(server, page, photos)
        print("the lone runs are done", flush=True)
        watching = asyncio.create_task(watched(server, process, tally, memory))
        until = time.monotonic() + 60 * args.minutes
        visitors = [
            Visitor(server, page, photos, lone, tally, random.Random(f"{args.seed} {number}"))
            for number in range(args.visitors)
        ]
        staying = [asyncio.create_task(visitor.stay(until)) for visitor in visitors]
        done, late = await asyncio.wait(staying, timeout=until + PATIENCE - time.monotonic())
        watching.cancel()
        for task in late:
            task.cancel()
        for task in done:
            task.result()
        await asyncio.sleep(3)
        files, size = on_disk(folder)
        return {
            **tally.counts,
            "visitors who hung": len(late),
            "errors": dict(tally.errors),
            "waits": waits(tally.asked),
            "waits for the run": waits([one for one in tally.asked if one.name == "reconstruct_1"]),
            "memory": growth(memory),
            "files left": files,
            "MB left": size / 2**20,
            "runs kept": (await healthy(server))["runs_kept"],
        }


def missed(told: dict) -> list[str]:
    """The targets that were."""
    ratio, memory = told["waits"].get("p95 ratio", 1.0), told["memory"].get("ratio", 1.0)
    checks = {
        "no run is lost": not told.get("lost") and not told["visitors who hung"],
        "no result is wrong": not told.get("wrong"),
        "the waits are as told": 1 / OFF <= ratio <= OFF,
        "memory is flat": memory <= GROWTH,
        "nothing is left behind": not told["runs kept"],
    }
    return [name for name, held in checks.items() if not held]


def main() -> int:
    args = arguments()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        with served(args.weights, folder) as (address, process):
            told = asyncio.run(soaked(args, address, process, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(told, indent=1))
    for target in missed(told):
        print(f"MISSED: {target}")
    return bool(missed(told))


if __name__ == "__main__":
    sys.exit(main())
