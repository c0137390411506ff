"""Blocking calls in threads of one owner, all of which have ended when the owner closes them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

__all__ = ["Stop", "Threads"]

P = ParamSpec("P")
T = TypeVar("T")


class Stop:
    """Says once, to threads that poll it and to threads that wait for descriptors, that they should end."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
        self._set = False

    def set(self) -> None:
        if not self._set:
            self._set = True
            os.write(self._writer, b"x")

    def is_set(self) -> bool:
        return self._set

    def fileno(self) -> int:
        """Becomes readable when it is set."""
        return self._reader

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class Threads:
    """Runs calls for a loop. Not asyncio's default executor: its threads outlive whoever started them."""

    def __init__(self, number: int) -> None:
        """``number`` bounds how many calls run at once."""
        self._pool = concurrent.futures.ThreadPoolExecutor(number, thread_name_prefix="userproxy-files")
        self._calls: list[concurrent.futures.Future[Any]] = []

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run ``call``; cancelling the future does not end it."""
        future = self._pool.submit(call, *args, **kwargs)
        self._calls = [*self._running(), future]
        return asyncio.wrap_future(future)

    async def close(self) -> None:
        """Wait until every call has returned; the caller has told them to. Cancellation stops the waiting."""
        try:
            while running := self._running():
                await asyncio.wait([asyncio.wrap_future(future) for future in running])
        finally:
            self._pool.shutdown(wait=not self._running(), cancel_futures=True)

    def _running(self) -> list[concurrent.futures.Future[Any]]:
        return [future for future in self._calls if not future.done()]
