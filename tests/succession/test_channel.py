"""Messages with descriptors between two processes: whole, bounded, and over when one side says so."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from userproxy.errors import TakeoverError
from userproxy.succession.channel import KIND, MAX_DESCRIPTORS, MAX_MESSAGE_BYTES, Channel, peer_of

pytestmark = pytest.mark.both_loops


@pytest.fixture
async def sockets() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Asynchronous, so that the loop has opened already what it opens for itself."""
    before = len(os.listdir("/proc/self/fd"))
    one, other = socket.socketpair(socket.AF_UNIX, KIND)
    with one, other:
        yield one, other
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def channels(sockets: tuple[socket.socket, socket.socket]) -> tuple[Channel, Channel]:
    return Channel(sockets[0]), Channel(sockets[1])


@pytest.fixture
def null() -> Iterator[int]:
    descriptor = os.open("/dev/null", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def zero() -> Iterator[int]:
    descriptor = os.open("/dev/zero", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


async def test_messages_stay_apart_and_keep_their_descriptors(
    null: int, zero: int, channels: tuple[Channel, Channel]
) -> None:
    one, other = channels
    one.send({"first": 1}, [null, zero])
    one.send({"second": 2})
    first, second = await other.receive(10), await other.receive(10)
    assert (first.fields, second.fields, second.descriptors) == ({"first": 1}, {"second": 2}, ())
    opened = [os.fstat(descriptor).st_rdev for descriptor in first.descriptors]
    assert opened == [os.fstat(descriptor).st_rdev for descriptor in (null, zero)]
    assert not any(os.get_inheritable(descriptor) for descriptor in first.descriptors)
    first.close()


async def test_the_largest_message(null: int, channels: tuple[Channel, Channel]) -> None:
    one, other = channels
    fields = {"text": "x" * (MAX_MESSAGE_BYTES - 11)}
    one.send(fields, [null] * MAX_DESCRIPTORS)
    message = await other.receive(10)
    assert message.fields == fields
    assert len(message.descriptors) == MAX_DESCRIPTORS
    message.close()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", "no JSON", id="another protocol"),
        pytest.param(b"[1]", "no JSON object", id="no object"),
        pytest.param(b'{"a": "' + b"x" * MAX_MESSAGE_BYTES + b'"}', "too long", id="too long"),
        pytest.param(b"\xff\xfe", "no JSON", id="no text"),
    ],
)
async def test_what_is_no_message(
    null: int, sockets: tuple[socket.socket, socket.socket], data: bytes, says: str
) -> None:
    """A descriptor that came with it is closed: the fixture counts."""
    channel = Channel(sockets[1])
    sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MAX_MESSAGE_BYTES)
    rights = array.array("i", [null])
    sockets[0].sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    with pytest.raises(TakeoverError, match=says):
        await channel.receive(10)


async def test_more_descriptors_than_agreed(null: int, sockets: tuple[socket.socket, socket.socket]) -> None:
    rights = array.array("i", [null] * (MAX_DESCRIPTORS + 8))
    sockets[0].sendmsg([b"{}"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    with pytest.raises(TakeoverError, match="no room for the descriptors"):
        await Channel(sockets[1]).receive(10)


async def test_the_other_end_is_gone(channels: tuple[Channel, Channel]) -> None:
    one, other = channels
    one.send({"last": True})
    one.close()
    assert (await other.receive(10)).fields == {"last": True}
    with pytest.raises(TakeoverError, match="is gone"):
        await other.receive(10)
    with pytest.raises(TakeoverError, match="is gone"):
        other.send({})


async def test_the_other_end_says_nothing(channels: tuple[Channel, Channel]) -> None:
    with pytest.raises(TakeoverError, match=r"said nothing for 0\.01 s"):
        await channels[0].receive(0.01)


async def test_what_was_sent_before_is_read_and_nothing_can_be_sent_after(
    channels: tuple[Channel, Channel],
) -> None:
    one, other = channels
    one.send({"in": "time"})
    last = other.refuse_more()
    assert last is not None
    assert last.fields == {"in": "time"}
    with pytest.raises(TakeoverError):
        one.send({"too": "late"})
    assert other.refuse_more() is None


def test_who_is_at_the_other_end(sockets: tuple[socket.socket, socket.socket]) -> None:
    assert peer_of(sockets[0]) == (os.getpid(), os.geteuid())
