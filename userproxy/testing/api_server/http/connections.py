"""The connection under a request, closed without manners."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from aiohttp import web

__all__ = ["break_off"]


async def break_off(request: web.Request) -> NoReturn:
    """Close the connection at once, without another byte; the closing cancels the handler that calls."""
    if request.transport is not None:
        request.transport.abort()
    await asyncio.Event().wait()
    raise AssertionError("an event that nobody sets was set")
