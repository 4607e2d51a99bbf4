"""Stopped or left in any phase: the turn is free at once, nothing stays behind, and the next visitor is served."""

import asyncio
from contextlib import suppress

import httpx
import pytest

from tests.app.test_clients import LONG, served
from tests.soak.tab import Tab, events_of

MANY = 100
"""Steps that nobody here waits for."""


class LeftError(Exception):
    """The visitor closed the tab."""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with served(tmp_path_factory.mktemp("served"), "-m", "tests.soak.short") as (where, _):
        yield where


def played(url, scene):
    """What an asynchronous scene at the app gives; it takes a function that opens tabs."""

    async def main():
        async with httpx.AsyncClient(base_url=f"{url}/gradio_api", trust_env=False, timeout=LONG) as server:
            page = await events_of(server)
            told = await scene(lambda: Tab(server, page, []).opened())
            await emptied(server)
            return told

    return asyncio.run(asyncio.wait_for(main(), LONG))


async def emptied(server):
    """Waits until nobody's run is kept and nothing is under way; fails by the time limit of the scene."""
    while (await server.get("/../healthz")).json()["runs_kept"]:
        await asyncio.sleep(0.1)
    while (await server.get("/queue/status")).json()["queue_size"]:
        await asyncio.sleep(0.1)


async def shown(tab, photo):
    _, _, line = await tab.ask("segment_1", await tab.upload(photo), None)
    tab.key = line["run"]


async def ran(tab, steps, watch=None):
    """The timeline's last message."""
    await tab.ask("wait", None, None)
    return (await tab.ask("reconstruct_1", None, steps, watch=watch))[0]


async def serves(opened, photo):
    """The next visitor gets his run."""
    async with opened() as tab:
        await shown(tab, photo)
        line = await ran(tab, 0)
        await tab.ask("turn_2", None)
        assert line["state"] == "done" and line["used"] == 0


async def leave(outputs, asked):
    raise LeftError


async def asked_only(tab, name, *values):
    """An event that is left a moment after it was asked for."""
    with suppress(TimeoutError):
        await asyncio.wait_for(tab.ask(name, *values), 0.15)
    raise LeftError


async def in_the_cutout(tab, photo):
    await asked_only(tab, "segment_1", await tab.upload(photo), None)


async def before_the_first_step(tab, photo):
    await shown(tab, photo)
    await ran(tab, MANY, leave)


async def between_steps(tab, photo):
    await shown(tab, photo)
    count = 0

    async def watch(outputs, asked):
        nonlocal count
        count += len(outputs[0].get("frames", ()))
        if count > 2:
            raise LeftError

    await ran(tab, MANY, watch)


async def in_the_views(tab, photo):
    await shown(tab, photo)
    await ran(tab, 0)
    await tab.ask("turn_2", None, watch=leave)


async def in_the_mesh(tab, photo):
    await shown(tab, photo)
    await ran(tab, 0)
    await asked_only(tab, "mesh", None, None, 128, 1.0)


@pytest.mark.parametrize(
    "phase", [in_the_cutout, before_the_first_step, between_steps, in_the_views, in_the_mesh]
)
def test_who_leaves_makes_room(url, car_png, phase):
    async def scene(opened):
        with pytest.raises(LeftError):
            async with opened() as tab:
                await phase(tab, car_png)
        await serves(opened, car_png)

    played(url, scene)


@pytest.mark.parametrize("how", ["leaves", "stops"])
def test_who_gives_up_while_he_waits_makes_room(url, car_png, how):
    async def scene(opened):
        async with opened() as busy, opened() as waiting:
            for tab in (busy, waiting):
                await shown(tab, car_png)
            begun = asyncio.Event()

            async def watch(outputs, asked):
                begun.set()

            long = asyncio.create_task(ran(busy, MANY, watch))
            await begun.wait()
            behind = asyncio.create_task(ran(waiting, MANY))
            while not any(one.name == "reconstruct_1" for one in waiting.heard):
                await asyncio.sleep(0.02)
            if how == "leaves":
                behind.cancel()
                with suppress(asyncio.CancelledError):
                    await behind
            else:
                await waiting.light("stop", None)
            await busy.light("stop", None)
            assert (await long)["state"] == "stopped"
            if how == "stops":
                line = await behind
                assert (line["state"], line["used"]) == ("stopped", 0)
        await serves(opened, car_png)

    played(url, scene)


def test_stop_between_steps_and_once_more(url, car_png):
    async def scene(opened):
        async with opened() as tab:
            await shown(tab, car_png)

            async def watch(outputs, asked):
                if outputs[0].get("frames"):
                    await tab.light("stop", None)

            line = await ran(tab, MANY, watch)
            assert line["state"] == "stopped" and line["used"] < 20
            assert (await ran(tab, line["used"] + 1))["state"] == "done"

    played(url, scene)
