"""HAProxy with the configuration beside this file: as it is, with splice, with larger buffers. TCP only."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.peers.base import TCP_KINDS, RunningPeer, connectable
from benchmarks.processes import Child
from benchmarks.programs import find, first_line

__all__ = ["CONFIGURATION", "VARIANTS", "HAProxy"]

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "haproxy": {},
    "haproxy-splice": {"SPLICE": "1"},
    "haproxy-256k": {"BUFSIZE": str(256 * 1024)},
}
"""What the configuration finds in its environment, by peer."""


class HAProxy:
    """``name`` is one of `VARIANTS`."""

    def __init__(self, name: str = "haproxy") -> None:
        self.name = name

    def missing(self) -> str:
        return "" if find("haproxy") else "not installed (Debian, Ubuntu: apt-get install haproxy)"

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        with ExitStack() as sockets:
            # Bound here, so that nobody else can take the numbers before HAProxy listens on them.
            bound = {kind: sockets.enter_context(_bound()) for kind in TCP_KINDS}
            addresses = {kind: "{}:{}".format(*sock.getsockname()) for kind, sock in bound.items()}
            environment = {f"{kind.upper()}_BIND": f"fd@{sock.fileno()}" for kind, sock in bound.items()}
            environment |= {f"{kind.upper()}_ENDPOINT": endpoints[kind] for kind in TCP_KINDS}
            async with Child(
                self.name,
                (find("haproxy"), "-db", "-f", str(CONFIGURATION)),
                environment={**environment, **VARIANTS[self.name]},
                pass_fds=[sock.fileno() for sock in bound.values()],
            ) as child:
                for address in addresses.values():
                    await connectable(child, address)
                yield RunningPeer(self.name, _version(), addresses, child)


def _version() -> str:
    """As in "2.6.12-1"."""
    words = first_line(find("haproxy"), "-v").split()
    return words[words.index("version") + 1] if "version" in words else ""


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock
