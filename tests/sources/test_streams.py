"""Standard input and FIFOs: read once, to their end, and never in the way of a stop."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from userproxy.sources.document import MAX_BYTES
from userproxy.sources.given import Given, give
from userproxy.sources.sights import Content, Sight, Unreadable
from userproxy.sources.streams import read_to_end
from userproxy.sources.threads import Stop, Threads

STDIN = Given("-", "-", once=True)


class Reading:
    """`read_to_end` in a thread."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._threads = Threads(2)

    def begin(self, given: Given) -> asyncio.Future[Sight | None]:
        return self._threads.start(read_to_end, given, self.stop)

    async def close(self) -> None:
        self.stop.set()
        await self._threads.close()
        self.stop.close()


@pytest.fixture
async def reading() -> AsyncGenerator[Reading]:
    reading = Reading()
    yield reading
    await reading.close()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinaryIO]:
    """What is written there arrives at standard input."""
    reader, writer = os.pipe()
    with open(reader) as stdin, open(writer, "wb", buffering=0) as file:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield file


def data(sight: Sight | None) -> bytes:
    assert isinstance(sight, Content)
    return sight.data


async def test_standard_input_is_read_to_its_end(reading: Reading, typed: BinaryIO) -> None:
    future = reading.begin(STDIN)
    typed.write(b"a: ")
    typed.write(b"1")
    assert not future.done()
    typed.close()
    assert data(await future) == b"a: 1"
    os.fstat(sys.stdin.fileno())  # it stays open


@pytest.fixture
def typed_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "a.yaml").write_text("a: 1")
    with open(tmp_path / "a.yaml") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield


@pytest.mark.usefixtures("typed_file")
async def test_standard_input_may_be_a_file(reading: Reading) -> None:
    assert data(await reading.begin(STDIN)) == b"a: 1"


async def test_standard_input_that_does_not_block(reading: Reading, typed: BinaryIO) -> None:
    os.set_blocking(sys.stdin.fileno(), False)
    typed.write(b"x" * 1000)
    future = reading.begin(STDIN)
    await asyncio.sleep(0)
    assert not future.done()
    reading.stop.set()
    assert await future is None


async def test_a_stop_ends_the_wait_for_standard_input(reading: Reading, typed: BinaryIO) -> None:
    typed.write(b"half")
    future = reading.begin(STDIN)
    reading.stop.set()
    assert await future is None


async def test_more_than_the_limit_is_not_read(reading: Reading, typed: BinaryIO) -> None:
    future = reading.begin(STDIN)
    written = 0
    while written <= MAX_BYTES:
        written += await asyncio.to_thread(typed.write, bytes(64 * 1024))
    assert await future == Unreadable("is larger than 16 MiB")


async def test_standard_input_that_is_not_there(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert await reading.begin(STDIN) == Unreadable("is closed")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert await reading.begin(STDIN) == Unreadable("cannot be read: fileno")


async def test_a_fifo_is_waited_for_and_read_to_its_end(reading: Reading, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (given,) = give(tmp_path / "fifo")
    assert given.once
    future = reading.begin(given)
    writer = await asyncio.to_thread(os.open, tmp_path / "fifo", os.O_WRONLY)
    os.write(writer, b"a: 1")
    assert not future.done()
    os.close(writer)
    assert data(await future) == b"a: 1"


async def test_a_fifo_without_a_writer_does_not_hinder_a_stop(reading: Reading, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    future = reading.begin(give(tmp_path / "fifo")[0])
    reading.stop.set()
    assert await future is None


async def test_what_the_shell_makes_of_a_command_in_brackets(reading: Reading) -> None:
    reader, writer = os.pipe()
    try:
        (given,) = give(f"/dev/fd/{reader}")
        assert given.once
        os.write(writer, b"a: 1")
    finally:
        os.close(writer)
    assert data(await reading.begin(given)) == b"a: 1"
    os.close(reader)


async def test_a_fifo_that_went_is_unreadable(reading: Reading, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (given,) = give(tmp_path / "fifo")
    os.remove(tmp_path / "fifo")
    assert await reading.begin(given) == Unreadable("cannot be read: No such file or directory")
