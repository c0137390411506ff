"""What goes on beside a proxy, as long as it serves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from userproxy.proxy import Proxy

__all__ = ["Follower", "beside"]

Follower = Callable[["Proxy"], Coroutine[None, None, None]]
"""Follows a proxy until it is cancelled, and cleans up then."""


@contextlib.asynccontextmanager
async def beside(proxy: Proxy, followers: Iterable[Follower]) -> AsyncIterator[None]:
    """All ``followers`` go on beside the block. The first failure, there or here, ends all, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(follow(proxy)) for follow in followers]
            yield
            for task in following:
                task.cancel()
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
