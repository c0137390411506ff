"""Numbers of streams, and which are over."""

from __future__ import annotations

import pytest

from userproxy.errors import RemoteProtocolError
from userproxy.spdy import LocalProtocolError, Role, Session
from userproxy.spdy.streams import LAST_ID, Streams


def test_numbers_are_used_up() -> None:
    streams = Streams(LAST_ID)
    assert not streams.used_up
    assert streams.open(sends=True) == LAST_ID
    assert streams.used_up


def test_a_session_without_numbers_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Role.CLIENT)
    monkeypatch.setattr(session._streams, "_next_id", LAST_ID)
    session.open_stream({})
    assert not session.accepts_streams
    with pytest.raises(LocalProtocolError):
        session.open_stream({})


@pytest.mark.parametrize(
    ("role", "last", "first"), [(Role.CLIENT, LAST_ID, 1), (Role.SERVER, LAST_ID - 1, 2)]
)
def test_numbers_of_pings_begin_again(
    monkeypatch: pytest.MonkeyPatch, role: Role, last: int, first: int
) -> None:
    session = Session(role)
    monkeypatch.setattr(session, "_next_ping_id", last)
    assert [session.ping(), session.ping()] == [last, first]


def test_streams_of_the_peer_are_counted_while_they_live() -> None:
    streams = Streams(1)
    streams.accept(2, sends=True, receives=True)
    streams.accept(4, sends=True, receives=False)
    streams.accept(6, sends=False, receives=False)
    assert (len(streams), streams.of_peer) == (2, 2)
    streams.drop(2)
    ours = streams.open(sends=True)
    streams.drop(ours)
    assert (streams.of_peer, ours in streams, 4 in streams) == (1, False, True)


@pytest.mark.parametrize("stream_id", [0, 2, 3])
def test_what_was_never_opened(stream_id: int) -> None:
    with pytest.raises(RemoteProtocolError, match=f"a DATA frame for stream {stream_id}, which was never"):
        Streams(1).known(stream_id, "DATA", refusing=False)


def test_what_was_not_taken_may_still_be_under_way() -> None:
    assert Streams(1).known(2, "DATA", refusing=True) is None
