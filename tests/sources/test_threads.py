"""Threads and Stop: calls run, and none outlives its owner."""

from __future__ import annotations

import asyncio
import os
import select
import threading

import pytest

from userproxy.sources.threads import Stop, Threads


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("userproxy")]


async def test_results_and_failures_come_back() -> None:
    threads = Threads(1)
    assert await threads.start(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.start(divmod, 1, 0)
    await threads.close()
    assert alive() == []


async def test_closing_waits_for_what_runs_even_if_nobody_awaits_it_any_more() -> None:
    threads, go, done = Threads(2), threading.Event(), []
    abandoned = threads.start(lambda: done.append(go.wait()))
    abandoned.cancel()
    closing = asyncio.ensure_future(threads.close())
    await asyncio.sleep(0)
    assert not closing.done()
    assert len(alive()) == 1
    go.set()
    await closing
    assert done == [True]
    assert alive() == []


async def test_a_closing_that_is_cancelled_does_not_block_the_loop() -> None:
    threads, go = Threads(1), threading.Event()
    threads.start(go.wait)
    closing = asyncio.ensure_future(threads.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    (left,) = [thread for thread in threading.enumerate() if thread.name.startswith("userproxy")]
    go.set()
    await asyncio.to_thread(left.join)


async def test_a_stop_is_seen_by_polling_and_by_waiting() -> None:
    stop = Stop()
    assert not stop.is_set()
    assert select.select([stop], [], [], 0)[0] == []
    stop.set()
    stop.set()
    assert stop.is_set()
    assert select.select([stop], [], [])[0] == [stop]
    descriptor = stop.fileno()
    stop.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
