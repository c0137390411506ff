"""What one consumer is told, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import cast

import pytest

from userproxy.dataplane.contract import Plane
from userproxy.dataplane.feeds import PORTS_PER_STEP, Feed
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.model.names import Family, ServicePortName
from userproxy.model.routes import RouteKey

pytestmark = pytest.mark.both_loops
KEYS = [RouteKey(ServicePortName("default", f"web-{number}", ""), Family.IPV4) for number in range(600)]


class Ports:
    """The part of a plane that a feed looks at."""

    def __init__(self, keys: Collection[RouteKey]) -> None:
        self.keys = set(keys)
        self.looks: list[int] = []

    def snapshot(self, keys: Collection[RouteKey]) -> tuple[PortSnapshot, ...]:
        self.looks.append(len(keys))
        return tuple(
            PortSnapshot(key, 80, "127.0.0.1", 80, ListenerState.LISTENING, "", (), 0, 0, 0, (), ())
            for key in keys
            if key in self.keys
        )


def plane_of(ports: Ports) -> Plane:
    return cast(Plane, ports)


async def test_many_are_looked_at_in_steps_between_which_the_loop_turns() -> None:
    ports, feed = Ports(KEYS), Feed(KEYS)
    turns: list[int] = []

    async def others() -> None:
        while True:
            turns.append(len(ports.looks))
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    found = await feed.take(plane_of(ports))
    task.cancel()
    assert list(found) == KEYS
    assert max(ports.looks) == PORTS_PER_STEP
    assert {1, 2} <= set(turns)


async def test_what_is_touched_between_two_steps_is_told_the_next_time() -> None:
    ports, feed = Ports(KEYS), Feed(KEYS)
    taking = asyncio.create_task(feed.take(plane_of(ports)))
    await asyncio.sleep(0)
    ports.keys.discard(KEYS[0])
    feed.touch(KEYS[:1])
    assert len((await taking)[KEYS[0]]) == 1
    await feed.wait()
    assert await feed.take(plane_of(ports)) == {KEYS[0]: ()}


async def test_nothing_is_gone_that_was_never_told() -> None:
    ports, feed = Ports(KEYS[:1]), Feed(KEYS[:2])
    assert list(await feed.take(plane_of(ports))) == KEYS[:1]
    feed.touch(KEYS[1:2])
    assert await feed.take(plane_of(ports)) == {KEYS[1]: ()}
