"""A relay as one writes it with asyncio streams, for ``LISTEN=ENDPOINT`` arguments: ``ip:port=ip:port``."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

__all__ = ["main"]

_READ_BYTES = 64 * 1024
_BACKLOG = 4096


async def serve(pairs: list[str]) -> None:
    servers = [await _listen(*pair.split("=")) for pair in pairs]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _listen(listen: str, endpoint: str) -> asyncio.Server:
    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(*_split(endpoint))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        for each in (writer, there_writer):
            each.close()

    return await asyncio.start_server(accept, *_split(listen), backlog=_BACKLOG)


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Until the end of one direction, which is passed on; a reset ends both."""
    try:
        while data := await reader.read(_READ_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def main() -> None:
    asyncio.run(serve(sys.argv[1:]))


if __name__ == "__main__":
    main()
