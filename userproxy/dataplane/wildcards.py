"""Sockets of this host that listen on every address (rule L7): they answer on a service address too,
while we do not listen there. Read from ``/proc/net`` (proc(5)); elsewhere none are found."""

from __future__ import annotations

from collections.abc import Iterator
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
    for protocol, name, wanted in _TABLES:
        for address, port, state in _sockets(folder / name):
            if state == wanted and not address.strip("0"):
                found.add((protocol, int(port, 16)))
            elif protocol is Protocol.TCP and state != _LISTEN:
                break  # listeners come first; behind them may be a hundred thousand connections
    return frozenset(found)


def _sockets(table: Path) -> Iterator[tuple[str, str, str]]:
    """Local address, port and state of each socket, in hexadecimal; read as far as it is looked at."""
    try:
        with table.open() as lines:
            next(lines, "")
            for line in lines:
                _, local, _, state, *_ = line.split(None, 4)
                address, port = local.split(":")
                yield address, port, state
    except OSError:
        return
