"""Bytes of any kind never bring anything but events or a RemoteProtocolError; what is sent always arrives."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spdy.link import Link, joined
from userproxy.spdy import DataReceived, Event, LocalProtocolError, RemoteProtocolError, Role, Session
from userproxy.spdy.frames import control_frame, data_header
from userproxy.spdy.header_block import HeaderCompressor

kinds = st.integers(0, 12)
stream_ids = st.one_of(st.integers(0, 8), st.integers(0, 0x7FFFFFFF))
headers = st.dictionaries(st.text("abcdef-", min_size=1, max_size=8), st.text(max_size=20), max_size=4)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A number of frames whose parts are likely, one by one, and seldom fit together."""
    compressor = HeaderCompressor()

    def frame() -> bytes:
        stream_id = draw(stream_ids)
        if draw(st.booleans()):
            content = draw(st.binary(max_size=20))
            return data_header(stream_id, len(content), fin=draw(st.booleans())) + content
        kind, flags, head = draw(kinds), draw(st.integers(0, 3)), stream_id.to_bytes(4)
        if kind in (1, 2, 8):
            middle = bytes(6) if kind == 1 else b""
            tail = compressor.compress(draw(headers)) if draw(st.booleans()) else draw(st.binary(max_size=20))
            return _control(kind, head + middle + tail, flags)
        return _control(kind, draw(st.sampled_from([head, head + bytes(4), b"", head * 3])), flags)

    return b"".join(frame() for _ in range(draw(st.integers(1, 8))))


def _control(kind: int, payload: bytes, flags: int) -> bytes:
    as_ping = control_frame(6, payload, flags)  # type: ignore[arg-type]  # any number is wanted, not only kinds
    return as_ping[:2] + kind.to_bytes(2) + as_ping[4:]


def taken(session: Session, came: bytes, splits: list[int]) -> tuple[list[Event], str]:
    """All events, and the fault that ended them."""
    events: list[Event] = []
    cuts = [0, *sorted(split % (len(came) + 1) for split in splits), len(came)]
    try:
        for start, stop in pairwise(cuts):
            events.extend(session.receive(came[start:stop]))
    except RemoteProtocolError as error:
        return joined(events), str(error)
    return joined(events), ""


splits = st.lists(st.integers(0, 1 << 16), max_size=6)


@given(came=st.one_of(st.binary(max_size=200), frames()), splits=splits, role=st.sampled_from(Role))
@settings(max_examples=300, deadline=None)
def test_any_bytes_bring_events_or_a_fault_wherever_they_are_split(
    came: bytes, splits: list[int], role: Role
) -> None:
    one, other = Session(role), Session(role)
    one.open_stream({})
    other.open_stream({})
    assert taken(one, came, []) == taken(other, came, splits)
    assert one.data_to_send() == other.data_to_send()


calls = st.lists(
    st.tuples(
        st.sampled_from(["open", "reply", "send", "end", "reset", "ping"]),
        st.booleans(),
        st.integers(0, 6),
        st.binary(max_size=40),
    ),
    max_size=30,
)


@given(calls=calls, piece_bytes=st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_two_sessions_never_find_fault_with_one_another(
    calls: list[tuple[str, bool, int, bytes]], piece_bytes: int
) -> None:
    link = Link(piece_bytes)
    sent: dict[tuple[bool, int], bytes] = {}
    got: dict[tuple[bool, int], bytes] = {}
    for call, by_client, stream_id, content in calls:
        session = link.client if by_client else link.server
        try:
            _do(session, call, stream_id, content)
        except LocalProtocolError:
            continue
        if call in ("send", "end"):
            sent[by_client, stream_id] = sent.get((by_client, stream_id), b"") + content
        _collect(got, link.to_server(), by_client=True)
        _collect(got, link.to_client(), by_client=False)
    assert {key: content for key, content in sent.items() if content} == got


def _do(session: Session, call: str, stream_id: int, content: bytes) -> None:
    match call:
        case "open":
            session.open_stream({"content": content.hex()})
        case "reply":
            session.reply(stream_id)
        case "send":
            session.send_data(stream_id, content)
        case "end":
            session.send_data(stream_id, content, fin=True)
        case "reset":
            session.reset(stream_id)
        case "ping":
            session.ping()


def _collect(got: dict[tuple[bool, int], bytes], events: list[Event], *, by_client: bool) -> None:
    for event in events:
        if isinstance(event, DataReceived) and event.data:
            key = by_client, event.stream_id
            got[key] = got.get(key, b"") + bytes(event.data)
