"""Frames, byte by byte as the specification draws them."""

from __future__ import annotations

import pytest

from userproxy.errors import RemoteProtocolError
from userproxy.spdy import DataReceived, ResetStatus, Role, Session
from userproxy.spdy.frames import MAX_CONTROL_BYTES, ControlFrame, Decoder, FrameType, data_header


def sent(session: Session) -> str:
    return session.data_to_send().hex(" ", 4)


def test_frames_without_headers() -> None:
    session = Session(Role.CLIENT)
    session.ping()
    assert sent(session) == "80030006 00000004 00000001"
    session.goaway()
    assert sent(session) == "80030007 00000008 00000000 00000000"


def test_streams() -> None:
    session = Session(Role.CLIENT)
    session.open_stream({"a": "b"}, fin=True)
    opening = session.data_to_send()
    # Type 1; the flag FIN; ten bytes (stream 1, no other stream, priority 0, slot 0) and the block.
    assert opening[:5].hex() == "8003000101"
    assert int.from_bytes(opening[5:8]) == len(opening) - 8
    assert opening[8:18].hex() == "00000001000000000000"
    stream_id = session.open_stream({})
    session.data_to_send()
    session.send_data(stream_id, b"abc")
    assert session.data_to_send() == bytes.fromhex("0000000300000003") + b"abc"
    session.send_data(stream_id, fin=True)
    assert sent(session) == "00000003 01000000"
    other = session.open_stream({})
    session.data_to_send()
    session.reset(other, ResetStatus.CANCEL)
    assert sent(session) == "80030003 00000008 00000005 00000005"


def test_a_reply() -> None:
    client, server = Session(Role.CLIENT), Session(Role.SERVER)
    client.open_stream({})
    list(server.receive(client.data_to_send()))
    server.reply(1)
    reply = server.data_to_send()
    assert reply[:5].hex() == "8003000200"
    assert reply[8:12].hex() == "00000001"


@pytest.mark.parametrize("size", [0, 4, MAX_CONTROL_BYTES])
def test_control_frames_of_every_size_come_whole(size: int) -> None:
    payload = bytes(size)
    frame = bytes.fromhex("80030004") + size.to_bytes(4) + payload
    decoder = Decoder()
    pieces = (frame[at : at + 1000] for at in range(0, len(frame), 1000))
    assert [each for piece in pieces for each in decoder.feed(piece)] == [
        ControlFrame(FrameType.SETTINGS, 0, payload)
    ]


def test_the_largest_data_frame_is_never_kept() -> None:
    decoder = Decoder()
    assert list(decoder.feed(data_header(1, (1 << 24) - 1, fin=True))) == []
    assert [len(each.data) for each in decoder.feed(bytes(1 << 20)) if isinstance(each, DataReceived)] == [
        1 << 20
    ]


def test_a_control_frame_that_is_too_large_is_refused_by_its_header() -> None:
    with pytest.raises(RemoteProtocolError, match="a control frame of 65537 bytes"):
        list(Decoder().feed(bytes.fromhex("8003000400010001")))
