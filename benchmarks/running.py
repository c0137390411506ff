"""Runs one benchmark on a loop, so that SIGINT and SIGTERM end it with everything stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from benchmarks.errors import Interrupted

__all__ = ["LOOPS", "run"]

LOOPS = ("uvloop", "asyncio")
T = TypeVar("T")


def run(body: Callable[[], Coroutine[object, object, T]], *, loop: str = "asyncio") -> T:
    """Run ``body`` and give its result. Raises Interrupted when a signal ended it.

    The first signal cancels the body, whose blocks then stop what they started; further ones change nothing.
    """
    with asyncio.Runner(loop_factory=_factory(loop)) as runner:
        return runner.run(_until_signal(body()))


def _factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if loop == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


async def _until_signal(body: Coroutine[object, object, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(body)
    received: list[int] = []

    def stop(number: int) -> None:
        if not received:
            received.append(number)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise Interrupted(received[0]) from None
