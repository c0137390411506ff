"""Limits fire once, in order, and not after they were cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import pytest

from tests.dataplane.clock import Clock
from userproxy.dataplane.deadlines import Deadlines


def deadlines_on(clock: Clock) -> Deadlines:
    return Deadlines(cast(asyncio.AbstractEventLoop, clock))


def append(fired: list[str], name: str) -> Callable[[], None]:
    return lambda: fired.append(name)


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param((1.0, 2.0, 3.0, 4.0), id="in time"),
        pytest.param((9.0,), id="all at once, by a loop that was late"),
        pytest.param((2.5, 9.0), id="two by two"),
    ],
)
def test_limits_of_several_lengths_fire_in_the_order_of_their_ends(turns: tuple[float, ...]) -> None:
    fired: list[str] = []
    clock = Clock()
    deadlines = deadlines_on(clock)
    deadlines.after(4.0, append(fired, "long"))
    deadlines.after(1.0, append(fired, "short"))
    cancelled = deadlines.after(2.0, append(fired, "never"))
    cancelled.cancel()
    deadlines.after(2.0, append(fired, "middle"))
    for now in turns:
        clock.turn(now)
    assert fired == ["short", "middle", "long"]
    cancelled.cancel()  # any number of times
    deadlines.close()


def test_nothing_fires_before_its_time() -> None:
    fired: list[str] = []
    clock = Clock()
    deadlines = deadlines_on(clock)
    deadlines.after(2.0, append(fired, "late"))
    clock.turn(1.9)
    assert fired == []
    clock.turn(2.0)
    assert fired == ["late"]


@pytest.mark.parametrize("ending", ["cancel", "close"])
def test_a_limit_may_end_another_that_is_due_with_it(ending: str) -> None:
    fired: list[str] = []
    clock = Clock()
    deadlines = deadlines_on(clock)
    other = deadlines.after(2.0, append(fired, "never"))
    deadlines.after(1.0, other.cancel if ending == "cancel" else deadlines.close)
    clock.turn(3.0)
    assert fired == []


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


def test_nothing_fires_after_close() -> None:
    fired: list[str] = []
    clock = Clock()
    deadlines = deadlines_on(clock)
    deadlines.after(1.0, append(fired, "never"))
    deadlines.close()
    clock.turn(2.0)
    assert fired == []


@pytest.mark.parametrize("lengths", [1, 1000], ids=["of one length", "each of its own length"])
def test_cancelled_limits_take_no_memory_for_their_time(lengths: int) -> None:
    fired: list[str] = []
    clock = Clock()
    deadlines = deadlines_on(clock)
    # The first of its queue is live, so that nothing behind it can leave by the head.
    deadlines.after(86400.0, append(fired, "first"))
    for number in range(10_000):
        deadlines.after(86400.0 + number % lengths, append(fired, "never")).cancel()
    assert len(deadlines) == 1
    assert len(deadlines._queues) <= 2
    live = [deadlines.after(90000.0, append(fired, "live")) for _ in range(2000)]
    assert len(deadlines) == 1 + len(live)
    clock.turn(90000.0)
    assert fired == ["first", *["live"] * len(live)]
    assert len(deadlines) == 0
