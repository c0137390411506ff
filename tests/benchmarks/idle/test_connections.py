"""Connections that must lead somewhere, and a limit that must allow them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator

import pytest

from benchmarks.actors.remote import Backend
from benchmarks.errors import BenchmarkError
from benchmarks.idle.connections import Connections, provide_descriptors
from benchmarks.measuring.proc import open_descriptors


async def test_every_connection_is_open_until_the_end_of_the_block() -> None:
    before = open_descriptors(os.getpid())
    async with Backend() as backend:
        address = await backend.open("http")
        started = open_descriptors(os.getpid())
        with Connections(address) as connections:
            await connections.open(70)
            await connections.open(1)
            assert open_descriptors(os.getpid()) == started + 71
    assert open_descriptors(os.getpid()) == before


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"], ids=["none", "wrong"]
)
async def test_a_connection_that_leads_to_somebody_else_ends_the_run(answer: bytes) -> None:
    async with answering(answer) as address:
        with Connections(address) as connections:
            with pytest.raises(BenchmarkError, match="is no answer"):
                await connections.open(1)


async def test_a_connection_that_is_refused_ends_the_run() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with Connections("{}:{}".format(*taken.getsockname())) as connections:
            with pytest.raises(BenchmarkError, match="connection 1 failed: "):
                await connections.open(1)


def test_a_hard_limit_that_is_too_low_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changed.append(limits))
    provide_descriptors(1000)
    assert changed == [(4096, 4096)]
    with pytest.raises(BenchmarkError, match=r"5000 connections take a proxy 10200 descriptors, .* 4096"):
        provide_descriptors(5000)
