"""Clients that never stop, and count what goes wrong: new connections, kept ones, and datagrams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field

LIMIT_S = 30.0
"""An answer that has not come by then does not come."""


@dataclass
class Load:
    """What came of it. ``wait`` returns after so many more good answers of every kind."""

    answers: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    async def wait(self, count: int) -> None:
        wanted = {client: answered + count for client, answered in self.answers.items()}
        async with asyncio.timeout(LIMIT_S):
            while not self.failures and any(self.answers[c] < least for c, least in wanted.items()):
                await asyncio.sleep(0.005)
        assert self.failures == []


async def _new_connections(address: tuple[str, int], answered: Callable[[], None]) -> None:
    while True:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(b"one line\n")
            writer.write_eof()
            assert (await reader.read()).endswith(b"one line\n")
        finally:
            writer.close()
            await writer.wait_closed()
        answered()


async def _kept_connection(address: tuple[str, int], answered: Callable[[], None]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    try:
        number = 0
        while True:
            number += 1
            line = f"line {number}\n".encode()
            writer.write(line)
            assert (await reader.readline()).endswith(line)
            answered()
    finally:
        writer.close()


async def _datagrams(address: tuple[str, int], answered: Callable[[], None]) -> None:
    """Eight at a time, all of which must come back, in any order."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(address)
        number = 0
        while True:
            wanted = {f"datagram {number + step}".encode() for step in range(8)}
            number += 8
            for datagram in wanted:
                await loop.sock_sendall(sock, datagram)
            while wanted:
                wanted.remove((await loop.sock_recv(sock, 2048)).rpartition(b":")[2])
            answered()


@contextlib.asynccontextmanager
async def load(tcp: tuple[str, int], udp: tuple[str, int], *, clients: int = 4) -> AsyncIterator[Load]:
    """So many clients of each kind, while the block runs."""
    report = Load()

    async def run(name: str, client: Coroutine[None, None, None]) -> None:
        try:
            await client
        except Exception as error:
            report.failures.append(f"{name}: {error!r}")

    def begin(
        kind: Callable[..., Coroutine[None, None, None]], address: tuple[str, int], number: int
    ) -> None:
        name = f"{kind.__name__} {number}"
        report.answers[name] = 0

        def answered() -> None:
            report.answers[name] += 1

        tasks.append(asyncio.create_task(run(name, kind(address, answered))))

    tasks: list[asyncio.Task[None]] = []
    for number in range(clients):
        begin(_new_connections, tcp, number)
        begin(_kept_connection, tcp, number)
        begin(_datagrams, udp, number)
    try:
        yield report
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert report.failures == []
