"""L7: who listens on every address, from /proc/net."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from userproxy.dataplane.wildcards import wildcard_ports
from userproxy.model.names import Protocol


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_L7_real_wildcard_listeners_are_seen(family: socket.AddressFamily) -> None:
    with (
        socket.socket(family) as tcp,
        socket.socket(family, socket.SOCK_DGRAM) as udp,
        socket.socket() as own,
    ):
        for sock in (tcp, udp):
            sock.bind(("", 0))
        tcp.listen()
        own.bind(("127.0.0.1", 0))
        own.listen()
        found = wildcard_ports()
        assert (Protocol.TCP, tcp.getsockname()[1]) in found
        assert (Protocol.UDP, udp.getsockname()[1]) in found
        assert (Protocol.TCP, own.getsockname()[1]) not in found


def test_L7_without_proc_there_are_none(tmp_path: Path) -> None:
    assert wildcard_ports(tmp_path) == frozenset()


def test_L7_connections_behind_the_listeners_are_not_read(tmp_path: Path) -> None:
    """The kernel tells listeners first; a busy proxy has a hundred thousand others behind them."""
    heading = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    listener = "   0: 00000000:0016 00000000:0000 0A 00000000:00000000\n"
    connection = "   1: 0100007F:1F90 0100007F:D431 06 00000000:00000000\n"
    (tmp_path / "tcp").write_text(heading + listener + connection + "no table any more\n")
    assert wildcard_ports(tmp_path) == {(Protocol.TCP, 22)}
