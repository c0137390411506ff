"""Batches of edges: nobody meets a reused number, a fault is contained, work is continued in turns."""

from __future__ import annotations

import asyncio
import fcntl
import socket
from _socket import socket as RawSocket
from collections.abc import Callable

import pytest

from userproxy.dataplane.engine import IN, OUT, Engine


class Recorder:
    def __init__(self) -> None:
        self.masks: asyncio.Queue[int] = asyncio.Queue()
        self.faults: list[Exception] = []
        self.action: Callable[[], object] = list

    def ready(self, mask: int) -> None:
        self.masks.put_nowait(mask)
        self.action()

    def failed(self, error: Exception) -> None:
        self.faults.append(error)


def raw_pair() -> tuple[RawSocket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    fd = ours.detach()
    return RawSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd), theirs


async def test_edges_come_once_and_with_the_conditions_that_hold() -> None:
    engine = Engine(asyncio.get_running_loop())
    ours, theirs = raw_pair()
    recorder = Recorder()
    engine.watch(ours.fileno(), recorder)
    assert await recorder.masks.get() == OUT
    theirs.send(b"x")
    assert await recorder.masks.get() == IN | OUT
    await asyncio.sleep(0)
    assert recorder.masks.empty()
    engine.close_later(ours)
    theirs.close()
    engine.close()


async def test_a_handler_that_fails_is_told_and_the_others_are_served() -> None:
    engine = Engine(asyncio.get_running_loop())
    bad, good = Recorder(), Recorder()
    bad.action = lambda: [][0]
    pairs = [raw_pair() for _ in range(2)]
    for (ours, _), recorder in zip(pairs, (bad, good), strict=True):
        engine.watch(ours.fileno(), recorder)
    await good.masks.get()
    assert [type(fault) for fault in bad.faults] == [IndexError]
    for ours, theirs in pairs:
        engine.close_later(ours)
        theirs.close()
    engine.close()


async def test_a_descriptor_that_is_closed_in_a_batch_keeps_its_number_until_the_end() -> None:
    """Two sockets are ready at once; the first handler closes both and opens a new one."""
    engine = Engine(asyncio.get_running_loop())
    (one, their_one), (two, their_two) = raw_pair(), raw_pair()
    numbers = {one.fileno(), two.fileno()}
    opened: list[RawSocket] = []
    called: list[str] = []
    fresh = Recorder()

    class Closer:
        def __init__(self, name: str) -> None:
            self.name = name

        def ready(self, mask: int) -> None:
            called.append(self.name)
            engine.close_later(one)
            engine.close_later(two)
            new, peer = raw_pair()
            opened.append(new)
            assert new.fileno() not in numbers
            engine.watch(new.fileno(), fresh)
            peer.close()

        def failed(self, error: Exception) -> None:
            called.append(repr(error))

    engine.watch(one.fileno(), Closer("one"))
    engine.watch(two.fileno(), Closer("two"))
    await fresh.masks.get()
    assert len(called) == 1
    for sock in opened:
        engine.close_later(sock)
    their_one.close()
    their_two.close()
    engine.close()


async def test_work_goes_on_in_later_batches_and_lets_the_loop_turn() -> None:
    engine = Engine(asyncio.get_running_loop())
    turns: list[int] = []
    over = asyncio.Event()

    def work() -> None:
        turns.append(len(turns))
        if len(turns) < 5:
            engine.again(work)
        else:
            over.set()

    engine.again(work)
    engine.again(lambda: [][0])  # a fault stops nobody else
    ticks = 0
    while not over.is_set():
        ticks += 1
        await asyncio.sleep(0)
    assert turns == [0, 1, 2, 3, 4]
    assert ticks >= 5
    engine.close()


async def test_after_batch_outside_of_a_batch_is_the_next_one() -> None:
    engine = Engine(asyncio.get_running_loop())
    over = asyncio.Event()
    engine.after_batch(over.set)
    assert not over.is_set()
    await over.wait()
    engine.close()


async def test_an_engine_that_is_closed_in_a_batch_tells_nobody_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = Engine(asyncio.get_running_loop())
    pairs = [raw_pair(), raw_pair()]
    told: list[int] = []
    over = asyncio.Event()

    class Closer:
        def ready(self, mask: int) -> None:
            told.append(mask)
            engine.close()
            over.set()

        def failed(self, error: Exception) -> None:
            told.append(-1)

    for ours, _ in pairs:
        engine.watch(ours.fileno(), Closer())
    await over.wait()
    await asyncio.sleep(0)
    assert told == [OUT]
    assert caplog.records == []
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


async def test_descriptors_of_any_number_are_watched() -> None:
    """Handlers are in a list by descriptor, which grows with the numbers."""
    engine = Engine(asyncio.get_running_loop())
    ours, theirs = raw_pair()
    high = RawSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fcntl.fcntl(ours.fileno(), fcntl.F_DUPFD, 900))
    recorder = Recorder()
    engine.watch(high.fileno(), recorder)
    assert await recorder.masks.get() == OUT
    engine.forget(5000)  # which was never watched
    engine.close_later(high)
    engine.close()
    ours.close()
    theirs.close()
