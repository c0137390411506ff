"""Socket options against silent death (rule R9), on both loops, with TLS and without."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from userproxy.sources.kube.keepalive import DEAD_AFTER_S, notice_silent_death


@pytest.mark.parametrize(
    "loop_factory",
    [
        pytest.param(asyncio.new_event_loop, id="asyncio"),
        pytest.param(uvloop.new_event_loop, id="uvloop"),
    ],
)
def test_R9_options_reach_the_socket(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def options() -> tuple[int, int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host, port = listener.getsockname()
            _, writer = await asyncio.open_connection(host, port)
            notice_silent_death(writer.transport)
            sock = writer.get_extra_info("socket")
            found = (
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            )
            writer.transport.abort()
            return found

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(options()) == (1, 3)


def test_R9_an_option_that_the_platform_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")

    async def options() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            _, writer = await asyncio.open_connection(*listener.getsockname())
            notice_silent_death(writer.transport)
            found: int = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            writer.transport.abort()
            return found

    assert asyncio.run(options()) == 1


def test_R9_what_is_no_tcp_socket_is_left_alone() -> None:
    async def unix() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            _, writer = await asyncio.open_connection(sock=ours)
            notice_silent_death(writer.transport)
            writer.transport.abort()
        notice_silent_death(asyncio.BaseTransport())

    asyncio.run(unix())


def test_R9_death_is_noticed_within_a_minute() -> None:
    assert DEAD_AFTER_S == 60
