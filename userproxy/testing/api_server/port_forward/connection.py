"""One forwarded connection: what a container runtime does between a client's streams and a port of a Pod."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Coroutine
from contextlib import suppress
from typing import Protocol

from userproxy.testing.api_server.port_forward.faults import ForwardFault
from userproxy.testing.api_server.port_forward.wording import Sandbox

__all__ = ["Client", "forward"]

_READ_BYTES = 64 << 10


class Client(Protocol):
    """The client's two streams."""

    async def read(self) -> bytes | memoryview:
        """What the client sent; b"" when it has ended, or reset, its stream."""
        ...

    async def write(self, data: bytes) -> None:
        """Send data. Raises OSError once the stream is over."""
        ...

    async def finish(self) -> None:
        """End the data stream, if it is open."""
        ...

    async def report(self, text: str, *, resets: bool) -> None:
        """Send ``text`` ("" for nothing) on the error stream, and end that, by a reset if ``resets``."""
        ...


class _Faulted(Exception):
    """The script ends this connection now."""


async def forward(
    client: Client,
    place: tuple[str, int] | None,
    sandbox: Sandbox,
    *,
    fault: ForwardFault | None,
    half_close_limit_s: float | None,
) -> None:
    """Connect to ``place`` (host and port; None: nobody listens), copy, and end both streams.

    After a failure the data stream ends first and the error text follows, as from containerd.
    ``half_close_limit_s``: how long one direction outlives the other, without anything being told of its
    end; None passes each end on.
    """
    text = ""
    try:
        text = await _connected(client, place, sandbox, fault, half_close_limit_s)
    except _Faulted:
        text = _text(sandbox, fault)
    with suppress(OSError):
        await client.finish()
    with suppress(OSError):
        await client.report(text, resets=bool(text and fault is not None and fault.resets))


def _text(sandbox: Sandbox, fault: ForwardFault | None) -> str:
    if fault is None:
        return ""
    text = sandbox.stated(fault.text)
    return sandbox.as_json(text, close_connection=fault.close_connection) if fault.as_json else text


async def _connected(
    client: Client,
    place: tuple[str, int] | None,
    sandbox: Sandbox,
    fault: ForwardFault | None,
    half_close_limit_s: float | None,
) -> str:
    """Why it ended; "" in order."""
    if fault is not None and not fault.after_bytes:
        raise _Faulted
    try:
        reader, writer = await _connect(place)
    except OSError as error:
        return sandbox.refused(error)
    local_port = writer.get_extra_info("sockname")[1]
    faithful = half_close_limit_s is None
    try:
        await _both(
            _to_pod(client, writer, passes_end=faithful),
            _to_client(client, reader, fault, passes_end=faithful),
            half_close_limit_s,
        )
    except OSError as error:
        return sandbox.broken(error, local_port)
    finally:
        writer.close()
    return ""


async def _connect(place: tuple[str, int] | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if place is None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "nothing stands for this port")
    return await asyncio.open_connection(*place)


async def _to_pod(client: Client, writer: asyncio.StreamWriter, *, passes_end: bool) -> None:
    while data := await client.read():
        writer.write(data)
        await writer.drain()
    if passes_end:
        writer.write_eof()


async def _to_client(
    client: Client, reader: asyncio.StreamReader, fault: ForwardFault | None, *, passes_end: bool
) -> None:
    sent_bytes = 0
    while data := await reader.read(_READ_BYTES):
        await client.write(data)
        sent_bytes += len(data)
        if fault is not None and sent_bytes >= fault.after_bytes:
            raise _Faulted
    if passes_end:
        await client.finish()


async def _both(
    to_pod: Coroutine[None, None, None], to_client: Coroutine[None, None, None], limit_s: float | None
) -> None:
    """Run both directions to their ends, as far as the limit lets them. Raises what ended one of them."""
    tasks = {asyncio.ensure_future(to_pod), asyncio.ensure_future(to_client)}
    try:
        if limit_s is None:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        else:
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if rest:
                late, _ = await asyncio.wait(rest, timeout=limit_s)
                done |= late
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
