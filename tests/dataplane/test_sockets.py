"""The options of sockets, and their numbers."""

from __future__ import annotations

import socket

from tests.dataplane.harness import Peer
from userproxy.dataplane.sockets import stream_listener


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
