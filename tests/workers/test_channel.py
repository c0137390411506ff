"""Messages and descriptors between parent and worker: order, bounds, a slow reader, an end."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable

import pytest

from tests.integration.world import open_descriptors
from tests.workers.crew import until
from userproxy.workers.channel import HUNG_UP, Channel, Message
from userproxy.workers.framing import frame

pytestmark = pytest.mark.both_loops


class End:
    """One end of a channel, and what came to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.waiting: deque[tuple[Message, list[int]]] = deque()
        self.asked = 0
        self.messages: list[Message] = []
        self.descriptors: list[list[int]] = []
        self.ended: list[str] = []
        self.sock = sock
        self.channel = Channel(
            sock, next_message=self._next, received=self._received, ended=self.ended.append
        )

    def _next(self) -> tuple[Message, list[int]] | None:
        self.asked += 1
        return self.waiting.popleft() if self.waiting else None

    def _received(self, message: Message, descriptors: list[int]) -> None:
        self.messages.append(message)
        self.descriptors.append(descriptors)

    def send(self, *message: object, descriptors: list[int] | None = None) -> None:
        self.waiting.append((list(message), descriptors or []))
        self.channel.wake()

    def close(self) -> None:
        self.channel.close()
        for descriptors in self.descriptors:
            for descriptor in descriptors:
                os.close(descriptor)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    before = open_descriptors()
    one, other = map(End, socket.socketpair())
    yield one, other
    one.close()
    other.close()
    assert open_descriptors() == before


async def test_messages_come_in_order_both_ways(ends: tuple[End, End]) -> None:
    one, other = ends
    for number in range(100):
        one.send("one", number)
        other.send("other", number)
    await until(lambda: len(one.messages) == len(other.messages) == 100)
    assert other.messages == [["one", number] for number in range(100)]
    assert one.messages == [["other", number] for number in range(100)]


async def test_descriptors_come_with_their_message(ends: tuple[End, End]) -> None:
    one, other = ends
    pipes = [os.pipe() for _ in range(20)]
    for number, (read, write) in enumerate(pipes):
        one.send("none", number)
        one.send("both", number, "x" * 3000 * number, descriptors=[read, write])
    await until(lambda: len(other.messages) == 40)
    for message, descriptors in zip(other.messages, other.descriptors, strict=True):
        if message[0] == "none":
            assert descriptors == []
            continue
        ours = [os.fstat(descriptor).st_ino for descriptor in descriptors]
        assert ours == [os.fstat(descriptor).st_ino for descriptor in pipes[message[1]]]
        assert not any(os.get_inheritable(descriptor) for descriptor in descriptors)
    for descriptor in (descriptor for pipe in pipes for descriptor in pipe):
        os.close(descriptor)


async def test_a_slow_reader_is_not_sent_more_than_it_takes(ends: tuple[End, End]) -> None:
    """And what is closed meanwhile still goes with its message."""
    one, other = ends
    asyncio.get_running_loop().remove_reader(other.sock.fileno())  # it is busy
    read, write = os.pipe()
    inode = os.fstat(read).st_ino
    big = "x" * 100_000
    for number in range(50):
        one.send(number, big, descriptors=[read])
    await until(lambda: one.asked > 1 and one.channel._kept)
    asked = one.asked
    for _ in range(20):
        await asyncio.sleep(0)
    assert one.asked == asked < 20
    waiting_with_descriptors = one.waiting
    for index, (message, _) in enumerate(waiting_with_descriptors):
        waiting_with_descriptors[index] = (message, [])
    os.close(read)
    asyncio.get_running_loop().add_reader(other.sock.fileno(), other.channel._readable)
    await until(lambda: len(other.messages) == 50)
    assert [message[0] for message in other.messages] == list(range(50))
    received = [descriptors for descriptors in other.descriptors if descriptors]
    assert len(received) == asked
    assert {os.fstat(descriptor).st_ino for [descriptor] in received} == {inode}
    os.close(write)


async def test_a_process_without_descriptors_gets_fewer_and_the_next_are_not_mixed_up(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ends
    read, write = os.pipe()
    real = other.sock.recvmsg
    cut = [True]

    class Poor:
        """As the kernel does it: those that there is no room for are lost, and a flag says so."""

        def __getattr__(self, name: str) -> object:
            return getattr(other.sock, name)

        def recvmsg(self, *arguments: int) -> tuple[bytes, list[object], int, object]:
            data, rights, flags, address = real(*arguments)
            if cut and rights:
                cut.pop()
                for _, _, content in rights:
                    os.close(int.from_bytes(content[:4], "little"))
                return data, [], flags | socket.MSG_CTRUNC, address
            return data, list(rights), flags, address

    monkeypatch.setattr(other.channel, "_sock", Poor())
    one.send("lost", descriptors=[read])
    await until(lambda: other.messages)
    one.send("comes", descriptors=[write])
    await until(lambda: len(other.messages) == 2)
    assert other.descriptors[0] == []
    [received] = other.descriptors[1]
    assert os.fstat(received).st_ino == os.fstat(write).st_ino
    os.close(read)
    os.close(write)


async def test_too_many_under_way_are_tried_again(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ends
    read, write = os.pipe()
    tries: list[int] = []
    usual: Callable[[], int] = one.channel._write

    def write_once() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.ETOOMANYREFS, "Too many references")
        return usual()

    monkeypatch.setattr(one.channel, "_write", write_once)
    one.send("late", descriptors=[read])
    await until(lambda: other.messages)
    assert len(other.descriptors[0]) == 1
    os.close(read)
    os.close(write)


async def test_the_other_side_hangs_up_behind_what_it_said(ends: tuple[End, End]) -> None:
    one, other = ends
    one.send("last")
    one.channel.finish(10)
    await until(lambda: other.ended)
    assert (other.messages, other.ended) == ([["last"]], [HUNG_UP])


async def test_what_is_said_after_we_hung_up_is_heard_out(ends: tuple[End, End]) -> None:
    one, other = ends
    one.channel.hang_up()
    await until(lambda: other.ended)
    other.waiting.extend((["more", number], []) for number in range(3))
    other.channel.finish(10)
    one.channel.hear_out(10)
    assert one.messages == [["more", 0], ["more", 1], ["more", 2]]
    assert one.ended == []


async def test_a_process_that_never_ends_is_not_heard_out_for_ever(ends: tuple[End, End]) -> None:
    one, _ = ends
    one.channel.hear_out(0.01)
    assert one.sock.fileno() == -1


async def test_nonsense_ends_the_channel(ends: tuple[End, End]) -> None:
    one, other = ends
    one.sock.sendall(b"\xff" * 100)
    await until(lambda: other.ended)
    assert "not our protocol" in other.ended[0]


async def test_half_a_message_is_waited_for(ends: tuple[End, End]) -> None:
    one, other = ends
    whole = frame(b'["whole"]')
    one.sock.sendall(whole[:4])
    for _ in range(5):
        await asyncio.sleep(0)
    assert other.messages == []
    one.sock.sendall(whole[4:])
    await until(lambda: other.messages)
    assert other.messages == [["whole"]]
