"""Limits fire once, in order, and not after they were cancelled."""

from __future__ import annotations

import asyncio
import logging

import pytest

from userproxy.dataplane.deadlines import Deadlines


async def test_limits_of_several_lengths_fire_in_the_order_of_their_ends() -> None:
    fired: list[str] = []
    over = asyncio.Event()
    deadlines = Deadlines(asyncio.get_running_loop())
    deadlines.after(0.04, lambda: fired.append("long"))
    deadlines.after(0.05, over.set)
    deadlines.after(0.01, lambda: fired.append("short"))
    cancelled = deadlines.after(0.02, lambda: fired.append("never"))
    cancelled.cancel()
    deadlines.after(0.02, lambda: fired.append("middle"))
    await over.wait()
    assert fired == ["short", "middle", "long"]
    cancelled.cancel()  # any number of times


async def test_a_limit_may_set_another() -> None:
    over = asyncio.Event()
    deadlines = Deadlines(asyncio.get_running_loop())

    def first() -> None:
        deadlines.after(0.0, over.set)

    deadlines.after(0.0, first)
    await over.wait()


async def test_one_limits_fault_does_not_lose_the_others(caplog: pytest.LogCaptureFixture) -> None:
    over = asyncio.Event()
    deadlines = Deadlines(asyncio.get_running_loop())
    deadlines.after(0.0, lambda: [][0])
    deadlines.after(0.0, over.set)
    await over.wait()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_nothing_fires_after_close() -> None:
    fired: list[int] = []
    deadlines = Deadlines(asyncio.get_running_loop())
    deadlines.after(0.0, lambda: fired.append(1))
    deadlines.close()
    await asyncio.sleep(0.01)
    assert fired == []
