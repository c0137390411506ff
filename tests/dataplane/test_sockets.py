"""The options of sockets, and their numbers."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.dataplane.harness import Peer, listening
from userproxy.dataplane import sockets
from userproxy.dataplane.sockets import stream_listener, unpace_on_loopback


async def test_C9_an_idle_peer_that_vanished_is_noticed_after_120_s() -> None:
    """Accepted sockets have the options of their listener."""
    listener = stream_listener("127.0.0.1", 0)
    listener.listen()
    with await Peer.connect(listener.getsockname()), socket.socket(fileno=listener.detach()) as owner:
        accepted, _ = owner.accept()
        with accepted:
            idle, interval, probes = (
                accepted.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert idle + interval * probes == 120


def congestion_control_of(sock: socket.socket) -> bytes:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


@pytest.fixture
def default_paces(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Take the machine's congestion control, whatever it is, for one that paces."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        name = congestion_control_of(sock)
    monkeypatch.setattr(sockets, "PACING", name)
    monkeypatch.setattr(sockets, "UNPACED", b"reno" if name != b"reno" else b"cubic")
    return name


@contextlib.contextmanager
def connected(kind: type[socket.socket], host: str) -> Iterator[socket.socket]:
    with (
        listening(host) as listener,
        contextlib.closing(kind(listener.family, socket.SOCK_STREAM)) as sock,
    ):
        sock.connect(listener.getsockname())
        yield sock


class FarAway(socket.socket):
    """Says that its peer is on another machine."""

    def getpeername(self) -> tuple[str, int]:
        return "192.0.2.1", 80


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1"])
def test_a_connection_to_loopback_is_not_paced(host: str, default_paces: bytes) -> None:
    with connected(socket.socket, host) as sock:
        assert congestion_control_of(sock) == default_paces
        unpace_on_loopback(sock)
        assert congestion_control_of(sock) == sockets.UNPACED


def test_a_connection_elsewhere_keeps_the_machines_congestion_control(default_paces: bytes) -> None:
    with connected(FarAway, "127.0.0.1") as sock:
        unpace_on_loopback(sock)
        assert congestion_control_of(sock) == default_paces


def test_one_that_does_not_pace_is_kept(default_paces: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PACING", b"another")
    with connected(socket.socket, "127.0.0.1") as sock:
        unpace_on_loopback(sock)
        assert congestion_control_of(sock) == default_paces


def test_what_is_forbidden_or_no_tcp_or_gone_stays_as_it_is(
    default_paces: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "UNPACED", b"unheard-of")
    with connected(socket.socket, "127.0.0.1") as sock:
        unpace_on_loopback(sock)
        assert congestion_control_of(sock) == default_paces
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as unconnected:
        unpace_on_loopback(unconnected)
        assert congestion_control_of(unconnected) == default_paces
    for sock in socket.socketpair():
        with sock:
            unpace_on_loopback(sock)
