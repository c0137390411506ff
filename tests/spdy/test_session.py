"""Two sessions, and one that meets a peer which breaks the rules."""

from __future__ import annotations

import pytest

from tests.spdy.link import Link, joined
from userproxy.spdy import (
    MAX_DATA_BYTES,
    DataReceived,
    GoAwayReceived,
    GoAwayStatus,
    HeadersReceived,
    LocalProtocolError,
    PingAnswered,
    PingReceived,
    RemoteProtocolError,
    ResetStatus,
    Role,
    Session,
    StreamOpened,
    StreamReplied,
    StreamReset,
    WindowUpdate,
)
from userproxy.spdy.frames import FIN, UNIDIRECTIONAL, FrameType, control_frame, data_header
from userproxy.spdy.header_block import HeaderCompressor
from userproxy.spdy.session import MAX_PEER_STREAMS, MAX_WAITING_ANSWERS

HEADERS = {"streamtype": "data", "port": "8080", "requestid": "0"}


def data(stream_id: int, content: bytes, *, fin: bool = False) -> DataReceived:
    return DataReceived(stream_id, memoryview(content), fin)


def number(*values: int) -> bytes:
    return b"".join(value.to_bytes(4) for value in values)


def syn_stream(stream_id: int, *, flags: int = 0, compressor: HeaderCompressor | None = None) -> bytes:
    block = (compressor or HeaderCompressor()).compress({"a": "b"})
    return control_frame(FrameType.SYN_STREAM, number(stream_id, 0) + b"\0\0" + block, flags)


# A conversation.


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 7, 8, 9, 64, 1 << 20])
def test_a_conversation_is_the_same_wherever_its_bytes_are_split(piece_bytes: int) -> None:
    link = Link(piece_bytes)
    stream_id = link.client.open_stream(HEADERS)
    assert link.to_server() == [StreamOpened(1, HEADERS)]
    link.server.reply(stream_id, {"ok": "yes"})
    link.server.send_data(stream_id, b"hello, ")
    link.server.send_data(stream_id, b"world")
    assert joined(link.to_client()) == [StreamReplied(1, {"ok": "yes"}), data(1, b"hello, world")]
    link.client.send_data(stream_id, b"bye", fin=True)
    ping_id = link.client.ping()
    assert joined(link.to_server()) == [data(1, b"bye", fin=True), PingReceived(ping_id)]
    link.server.send_data(stream_id, fin=True)
    assert link.to_client() == [PingAnswered(ping_id), data(1, b"", fin=True)]
    assert link.client.open_streams == link.server.open_streams == 0


def test_streams_are_numbered_by_who_opens_them() -> None:
    link = Link()
    assert [link.client.open_stream({}) for _ in range(3)] == [1, 3, 5]
    assert [link.server.open_stream({}) for _ in range(3)] == [2, 4, 6]
    assert link.to_server() == [StreamOpened(number, {}) for number in (1, 3, 5)]
    assert link.to_client() == [StreamOpened(number, {}) for number in (2, 4, 6)]


def test_data_is_cut_into_frames_of_a_bounded_size_and_arrives_whole() -> None:
    link = Link(1000)
    stream_id = link.opened()
    content = bytes(range(256)) * (MAX_DATA_BYTES // 256 * 2 + 1)
    link.client.send_data(stream_id, memoryview(content), fin=True)
    assert joined(link.to_server()) == [data(stream_id, content, fin=True)]
    link.server.send_data(stream_id, content)
    sent = link.server.data_to_send()
    assert sent[:8] == data_header(stream_id, MAX_DATA_BYTES, fin=False)
    assert len(sent) == len(content) + 3 * 8


def test_data_is_handed_on_before_its_frame_is_complete() -> None:
    link = Link()
    stream_id = link.opened()
    frame = data_header(stream_id, 100, fin=True) + b"x" * 100
    assert list(link.server.receive(frame[:50])) == [data(stream_id, b"x" * 42)]
    assert list(link.server.receive(frame[50:])) == [data(stream_id, b"x" * 58, fin=True)]


def test_data_is_not_copied_on_its_way_in() -> None:
    link = Link()
    stream_id = link.opened()
    content = bytearray(data_header(stream_id, 3, fin=False) + b"abc")
    [event] = link.server.receive(content)
    assert isinstance(event, DataReceived)
    content[8:] = b"xyz"
    assert bytes(event.data) == b"xyz"


def test_a_stream_goes_on_one_way_after_the_fin_of_the_other() -> None:
    link = Link()
    stream_id = link.opened()
    link.client.send_data(stream_id, fin=True)
    assert link.to_server() == [data(stream_id, b"", fin=True)]
    link.server.send_data(stream_id, b"still here")
    assert link.to_client() == [data(stream_id, b"still here")]
    with pytest.raises(LocalProtocolError, match="stream 1: it is over"):
        link.client.send_data(stream_id, b"no")


def test_a_reset_ends_one_stream_and_leaves_its_neighbour() -> None:
    link = Link()
    first, second = link.opened(), link.opened()
    link.server.reset(first, ResetStatus.INTERNAL_ERROR)
    link.server.reset(first)
    assert link.to_client() == [StreamReset(first, ResetStatus.INTERNAL_ERROR)]
    link.client.send_data(second, b"on")
    assert link.to_server() == [data(second, b"on")]
    assert link.client.open_streams == link.server.open_streams == 1


def test_what_was_under_way_when_a_stream_was_reset_is_ignored() -> None:
    link = Link()
    stream_id = link.opened()
    link.client.send_data(stream_id, b"late")
    link.client.reset(stream_id)
    link.server.reset(stream_id)
    assert link.to_server() == []
    assert link.to_client() == []


def test_streams_may_be_opened_and_ended_at_once() -> None:
    link = Link()
    stream_id = link.client.open_stream(HEADERS, fin=True)
    assert link.to_server() == [StreamOpened(stream_id, HEADERS, fin=True)]
    with pytest.raises(LocalProtocolError):
        link.client.send_data(stream_id, b"no")
    link.server.reply(stream_id)
    link.server.send_data(stream_id, b"text", fin=True)
    assert joined(link.to_client()) == [StreamReplied(stream_id, {}), data(stream_id, b"text", fin=True)]
    assert link.client.open_streams == link.server.open_streams == 0


def test_after_goaway_the_peer_opens_nothing_and_open_streams_go_on() -> None:
    link = Link()
    stream_id = link.opened()
    link.server.goaway()
    late = link.client.open_stream({})
    link.client.send_data(late, b"lost")
    link.client.send_data(stream_id, b"kept")
    assert link.to_server() == [data(stream_id, b"kept")]
    assert link.to_client() == [GoAwayReceived(stream_id, GoAwayStatus.OK)]
    assert not link.client.accepts_streams
    with pytest.raises(LocalProtocolError, match="no stream can be opened"):
        link.client.open_stream({})
    link.server.goaway()
    assert link.server.data_to_send() == b""


def test_pings_of_both_sides_do_not_mix() -> None:
    link = Link()
    assert [link.client.ping(), link.client.ping(), link.server.ping()] == [1, 3, 2]
    assert link.to_server() == [PingReceived(1), PingReceived(3)]
    assert link.to_client() == [PingReceived(2), PingAnswered(1), PingAnswered(3)]
    assert link.to_server() == [PingAnswered(2)]


def test_the_answer_to_a_ping_that_was_not_sent_is_ignored() -> None:
    session = Session(Role.CLIENT)
    assert list(session.receive(control_frame(FrameType.PING, number(7)))) == []
    assert session.data_to_send() == b""


def test_window_updates_and_headers_are_told_settings_and_unknown_frames_ignored() -> None:
    session, compressor = Session(Role.SERVER), HeaderCompressor()
    came = (
        syn_stream(1, compressor=compressor)
        + control_frame(FrameType.WINDOW_UPDATE, number(1, 100))
        + control_frame(FrameType.WINDOW_UPDATE, number(0, 200))
        + control_frame(FrameType.SETTINGS, number(1, 7, 65536))
        + number(0x8003000B, 4, 0)
        + control_frame(FrameType.HEADERS, number(1) + compressor.compress({"x": "y"}), FIN)
    )
    assert list(session.receive(came)) == [
        StreamOpened(1, {"a": "b"}),
        WindowUpdate(1, 100),
        WindowUpdate(0, 200),
        HeadersReceived(1, {"x": "y"}, fin=True),
    ]
    assert session.data_to_send() == b""


# A peer that breaks a rule on one stream: that stream ends, the session goes on.


def test_data_after_the_end_resets_the_stream_alone() -> None:
    link = Link()
    stream_id = link.opened()
    again = data_header(stream_id, 0, fin=True) + data_header(stream_id, 1, fin=False) + b"x"
    assert list(link.server.receive(again)) == [
        data(stream_id, b"", fin=True),
        StreamReset(stream_id, ResetStatus.STREAM_ALREADY_CLOSED),
    ]
    assert link.to_client() == [StreamReset(stream_id, ResetStatus.STREAM_ALREADY_CLOSED)]


def test_headers_after_the_end_reset_the_stream_alone() -> None:
    session, compressor = Session(Role.SERVER), HeaderCompressor()
    came = syn_stream(1, flags=FIN, compressor=compressor)
    late = control_frame(FrameType.HEADERS, number(1) + compressor.compress({}))
    assert list(session.receive(came + late))[1:] == [StreamReset(1, ResetStatus.STREAM_ALREADY_CLOSED)]


def test_data_before_the_reply_resets_the_stream_alone() -> None:
    client = Session(Role.CLIENT)
    stream_id = client.open_stream({})
    client.data_to_send()
    frame = data_header(stream_id, 1, fin=False) + b"x"
    assert list(client.receive(frame)) == [StreamReset(stream_id, ResetStatus.PROTOCOL_ERROR)]
    assert client.data_to_send() == control_frame(
        FrameType.RST_STREAM, number(stream_id, ResetStatus.PROTOCOL_ERROR)
    )


def test_a_second_reply_resets_the_stream_alone() -> None:
    client, compressor = Session(Role.CLIENT), HeaderCompressor()
    stream_id = client.open_stream({})
    replies = b"".join(
        control_frame(FrameType.SYN_REPLY, number(stream_id) + compressor.compress({})) for _ in range(2)
    )
    assert list(client.receive(replies)) == [
        StreamReplied(stream_id, {}),
        StreamReset(stream_id, ResetStatus.STREAM_IN_USE),
    ]


def test_a_reply_may_end_the_stream() -> None:
    client = Session(Role.CLIENT)
    stream_id = client.open_stream({}, fin=True)
    reply = control_frame(FrameType.SYN_REPLY, number(stream_id) + HeaderCompressor().compress({}), FIN)
    assert list(client.receive(reply)) == [StreamReplied(stream_id, {}, fin=True)]
    assert client.open_streams == 0


def test_streams_beyond_the_limit_are_refused() -> None:
    session, compressor = Session(Role.SERVER), HeaderCompressor()
    for each in range(MAX_PEER_STREAMS):
        assert list(session.receive(syn_stream(2 * each + 1, compressor=compressor)))
    one_more = 2 * MAX_PEER_STREAMS + 1
    assert list(session.receive(syn_stream(one_more, compressor=compressor))) == []
    assert session.open_streams == MAX_PEER_STREAMS
    assert session.data_to_send() == control_frame(
        FrameType.RST_STREAM, number(one_more, ResetStatus.REFUSED_STREAM)
    )
    session.reset(1)
    assert list(session.receive(syn_stream(one_more + 2, compressor=compressor)))


def test_nothing_is_sent_on_a_stream_that_is_the_peers_alone() -> None:
    session = Session(Role.SERVER)
    list(session.receive(syn_stream(1, flags=UNIDIRECTIONAL)))
    session.reply(1)
    with pytest.raises(LocalProtocolError):
        session.send_data(1, b"x")
    assert list(session.receive(data_header(1, 1, fin=True) + b"x")) == [data(1, b"x", fin=True)]
    assert session.open_streams == 0


# A peer that speaks something else: the session is over.

OTHER_VERSION = number(0x80020001, 12, 1, 0, 0)
WRONG = {
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "stream 1213486160, which was never opened"),
    "another version": (OTHER_VERSION, "version 2 of SPDY"),
    "a large control frame": (number(0x80030001, 0x010001), "65537 bytes is larger than the 65536"),
    "data for no stream": (data_header(1, 1, fin=False) + b"x", "DATA frame for stream 1, which was never"),
    "data for stream 0": (data_header(0, 0, fin=False), "DATA frame for stream 0"),
    "a reset of no stream": (
        control_frame(FrameType.RST_STREAM, number(1, 5)),
        "RST_STREAM frame for stream 1",
    ),
    "a short reset": (control_frame(FrameType.RST_STREAM, number(1)), "a RST_STREAM of 4 bytes, not 8"),
    "a short ping": (control_frame(FrameType.PING, b"x"), "a PING of 1 bytes, not 4"),
    "a long goaway": (control_frame(FrameType.GOAWAY, number(0, 0, 0)), "a GOAWAY of 12 bytes, not 8"),
    "a short window update": (control_frame(FrameType.WINDOW_UPDATE, b""), "a WINDOW_UPDATE of 0 bytes"),
    "a short opening": (control_frame(FrameType.SYN_STREAM, number(1, 0)), "a SYN_STREAM of 8 bytes"),
    "a short reply": (control_frame(FrameType.SYN_REPLY, b""), "a SYN_REPLY of 0 bytes"),
    "a reply to nothing": (
        control_frame(FrameType.SYN_REPLY, number(2) + HeaderCompressor().compress({})),
        "SYN_REPLY frame for stream 2",
    ),
    "a broken header block": (
        control_frame(FrameType.SYN_STREAM, number(1, 0) + b"\0\0" + b"nonsense"),
        "cannot be decompressed",
    ),
    "a stream of our own numbers": (syn_stream(2), "the peer opened stream 2"),
    "stream 0": (syn_stream(0), "the peer opened stream 0"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_nonsense_ends_the_session_with_a_reason(wrong: str) -> None:
    came, reason = WRONG[wrong]
    session = Session(Role.SERVER)
    with pytest.raises(RemoteProtocolError, match=reason):
        list(session.receive(came))
    assert session.data_to_send() == control_frame(FrameType.GOAWAY, number(0, GoAwayStatus.PROTOCOL_ERROR))
    assert not session.accepts_streams
    with pytest.raises(RemoteProtocolError, match=reason):
        session.receive(b"")


def test_streams_must_be_opened_in_order() -> None:
    session, compressor = Session(Role.SERVER), HeaderCompressor()
    list(session.receive(syn_stream(5, compressor=compressor)))
    with pytest.raises(
        RemoteProtocolError, match="opened stream 3, which is not its to open or not the next"
    ):
        list(session.receive(syn_stream(3, compressor=compressor)))


def test_what_came_before_nonsense_is_told() -> None:
    session = Session(Role.SERVER)
    events = session.receive(syn_stream(1) + data_header(1, 2, fin=False) + b"hi" + OTHER_VERSION)
    assert [next(events), next(events)] == [StreamOpened(1, {"a": "b"}), data(1, b"hi")]
    with pytest.raises(RemoteProtocolError):
        next(events)
    assert session.open_streams == 0


def test_a_peer_cannot_make_us_answer_without_end() -> None:
    pings = control_frame(FrameType.PING, number(1)) * MAX_WAITING_ANSWERS
    session = Session(Role.SERVER)
    assert len(list(session.receive(pings))) == MAX_WAITING_ANSWERS
    assert session.data_to_send() == pings
    assert len(list(session.receive(pings))) == MAX_WAITING_ANSWERS
    with pytest.raises(RemoteProtocolError, match="more than 1000 answers"):
        list(session.receive(pings[:12]))


# Calls that the protocol does not allow.


def test_calls_out_of_place_are_refused_and_change_nothing() -> None:
    link = Link()
    own, theirs = link.client.open_stream({}), link.server.open_stream({})
    link.to_server()
    link.to_client()
    for stream_id in (own, 99):
        with pytest.raises(LocalProtocolError, match="waits for no reply"):
            link.client.reply(stream_id)
    with pytest.raises(LocalProtocolError, match="stream 2 before its reply"):
        link.client.send_data(theirs, b"x")
    with pytest.raises(LocalProtocolError, match="stream 99: it is over"):
        link.client.send_data(99, b"x")
    with pytest.raises(LocalProtocolError, match="header names"):
        link.client.open_stream({"a": "1", "A": "2"})
    with pytest.raises(LocalProtocolError, match="more than the 65536"):
        link.client.open_stream({"a": "x" * 70_000})
    link.client.reply(theirs)
    with pytest.raises(LocalProtocolError, match="waits for no reply"):
        link.client.reply(theirs)
    assert link.to_server() == [StreamReplied(theirs, {})]
    assert link.client.open_stream({}) == own + 2


def test_events_must_be_taken_before_more_is_received() -> None:
    session = Session(Role.SERVER)
    events = session.receive(syn_stream(1))
    with pytest.raises(LocalProtocolError, match="have not been taken"):
        session.receive(b"")
    assert list(events) == [StreamOpened(1, {"a": "b"})]
    assert list(session.receive(b"")) == []


def test_nothing_is_sent_for_no_data() -> None:
    link = Link()
    stream_id = link.opened()
    link.client.send_data(stream_id, b"")
    assert link.client.data_to_send() == b""
