"""Clients of a PostgreSQL server: psql that stays, and a small one of our own that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.command_line.postgres_server import PASSWORD, PLAIN_USER
from tests.command_line.process import LIMIT_S, environment

__all__ = ["Psql", "ShortSession", "psql"]

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
VERSION_3 = 196608
CLEARTEXT = 3
"""The kind of authentication that asks for a password as it is."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Psql:
    """One that reads statements from its standard input."""

    process: asyncio.subprocess.Process

    async def ask(self, statement: str) -> str:
        """The one line of the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{statement};\n".encode())
        async with asyncio.timeout(LIMIT_S):
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        assert line, "psql has ended"
        return line.decode().rstrip("\n")


@contextlib.asynccontextmanager
async def psql(home: Path, conninfo: str) -> AsyncIterator[Psql]:
    """A session that lasts as long as the block."""
    process = await asyncio.create_subprocess_exec(
        "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", conninfo,
        stdin=PIPE, stdout=PIPE, env=environment(home, PGPASSWORD=PASSWORD),
    )  # fmt: skip
    try:
        yield Psql(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class ShortSession:
    """The frontend side of PostgreSQL's protocol, version 3.0, over TLS: as much of it as a test needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, place: tuple[str, int], name: str, context: ssl.SSLContext
    ) -> AsyncIterator[ShortSession]:
        """Log in at ``place``, whose certificate has to be for ``name``. Raises OSError."""
        reader, writer = await asyncio.open_connection(*place)
        try:
            writer.write(SSL_REQUEST)
            answer = await reader.read(1)
            if not answer:
                raise ConnectionResetError("it ended before it said whether it has TLS")
            assert answer == b"S"
            await writer.start_tls(context, server_hostname=name)
            session = cls(reader, writer)
            await session._log_in()
            yield session
        finally:
            writer.transport.abort()

    async def _log_in(self) -> None:
        named = b"user\0%s\0database\0postgres\0\0" % PLAIN_USER.encode()
        self._writer.write(struct.pack("!ii", 8 + len(named), VERSION_3) + named)
        kind, content = await self._message()
        assert (kind, content) == (b"R", struct.pack("!i", CLEARTEXT))
        self._send(b"p", PASSWORD.encode() + b"\0")
        await self._ready()

    async def ask(self, statement: str) -> bytes:
        """The one column of the last row."""
        self._send(b"Q", statement.encode() + b"\0")
        return await self._ready()

    async def leave(self) -> None:
        """End it, and wait until the server has: it may say nothing more."""
        self._send(b"X", b"")
        assert await self._reader.read() == b""

    async def reset_in_the_answer_to(self, statement: str) -> None:
        """Be gone when the answer has begun, without a word."""
        self._send(b"Q", statement.encode() + b"\0")
        await self._reader.readexactly(1)
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writer.transport.abort()

    def _send(self, kind: bytes, content: bytes) -> None:
        self._writer.write(kind + struct.pack("!i", 4 + len(content)) + content)

    async def _ready(self) -> bytes:
        row = b""
        while (message := await self._message())[0] != b"Z":
            kind, content = message
            assert kind != b"E", content
            if kind == b"D":
                row = content[6:]  # after the number of columns and the length of the first
        return row

    async def _message(self) -> tuple[bytes, bytes]:
        try:
            kind, length = struct.unpack("!ci", await self._reader.readexactly(5))
            return kind, await self._reader.readexactly(length - 4)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("it ended in the middle of an answer") from error
