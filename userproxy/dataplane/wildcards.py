"""Sockets of this host that listen on every address (rule L7): they answer on a service address too,
while we do not listen there. Read from ``/proc/net`` (proc(5)); elsewhere none are found."""

from __future__ import annotations

from pathlib import Path

from userproxy.model.names import Protocol

__all__ = ["wildcard_ports"]

_LISTEN = "0A"
_UNCONNECTED = "07"
"""State CLOSE, which is what a UDP socket without a peer is in."""
_TABLES = (
    (Protocol.TCP, "tcp", _LISTEN),
    (Protocol.TCP, "tcp6", _LISTEN),
    (Protocol.UDP, "udp", _UNCONNECTED),
    (Protocol.UDP, "udp6", _UNCONNECTED),
)


def wildcard_ports(folder: Path = Path("/proc/net")) -> frozenset[tuple[Protocol, int]]:
    """Protocol and port of each socket that is bound to 0.0.0.0 or [::]."""
    found = set()
    for protocol, name, state in _TABLES:
        try:
            lines = (folder / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, socket_state, *_ = line.split()
            address, port = local.split(":")
            if socket_state == state and not address.strip("0"):
                found.add((protocol, int(port, 16)))
    return frozenset(found)
