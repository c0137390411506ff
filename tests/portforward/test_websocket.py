"""Frames of a server's WebSocket, cut anywhere."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portforward.fake_server import frame
from userproxy.errors import RemoteProtocolError
from userproxy.portforward.websocket import Opcode, WebSocketReader


def read(stream: bytes, cuts: list[int]) -> list[tuple[Opcode, bytes]]:
    """Messages and control frames, from ``stream`` cut at ``cuts``."""
    reader = WebSocketReader()
    found: list[tuple[Opcode, bytes]] = []
    places = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    data = bytearray()
    for start, end in itertools.pairwise(places):
        for piece in reader.feed(stream[start:end]):
            if piece.opcode >= Opcode.CLOSE:
                found.append((piece.opcode, bytes(piece.data)))
            else:
                if piece.begins and data:
                    found.append((Opcode.BINARY, bytes(data)))
                    data.clear()
                data += piece.data
    return [*found, (Opcode.BINARY, bytes(data))]


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), st.lists(st.integers(0, 2000)))
def test_where_it_is_cut_does_not_matter(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(2, message) for message in messages)
    assert read(stream, cuts) == [(Opcode.BINARY, message) for message in messages]


@pytest.mark.parametrize("size", [125, 126, 65535, 65536, 200_000])
def test_each_form_of_a_length(size: int) -> None:
    assert read(frame(2, b"x" * size), [1, 3, 70_000]) == [(Opcode.BINARY, b"x" * size)]


def test_a_ping_between_the_parts_of_a_message() -> None:
    stream = frame(2, b"one", final=False) + frame(9, b"?") + frame(0, b"two")
    assert read(stream, list(range(len(stream)))) == [(Opcode.PING, b"?"), (Opcode.BINARY, b"onetwo")]


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"\x82\x81abcdx", id="masked"),
        pytest.param(b"\xc2\x01x", id="reserved bits"),
        pytest.param(frame(3, b"x"), id="unknown opcode"),
        pytest.param(frame(0, b"x"), id="a part of no message"),
        pytest.param(frame(2, b"x", final=False) + frame(2, b"x"), id="a message within another"),
        pytest.param(frame(9, b"x" * 126), id="a long ping"),
        pytest.param(frame(9, b"x", final=False), id="a ping in parts"),
    ],
)
def test_what_no_server_sends(stream: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        list(WebSocketReader().feed(stream))
