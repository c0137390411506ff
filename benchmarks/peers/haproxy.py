"""HAProxy with the configuration beside this file. It forwards TCP only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.peers.base import RunningPeer, connectable
from benchmarks.processes import Child

__all__ = ["CONFIGURATION", "HAProxy", "program"]

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
_KINDS = ("http", "bulk")


class HAProxy:
    name = "haproxy"

    def missing(self) -> str:
        return "" if program() else "not installed (Debian, Ubuntu: apt-get install haproxy)"

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        with ExitStack() as sockets:
            # Bound here, so that nobody else can take the numbers before HAProxy listens on them.
            bound = {kind: sockets.enter_context(_bound()) for kind in _KINDS}
            addresses = {kind: "{}:{}".format(*sock.getsockname()) for kind, sock in bound.items()}
            environment = {f"{kind.upper()}_BIND": f"fd@{sock.fileno()}" for kind, sock in bound.items()}
            environment |= {f"{kind.upper()}_ENDPOINT": endpoints[kind] for kind in _KINDS}
            async with Child(
                self.name,
                (program(), "-db", "-f", str(CONFIGURATION)),
                environment=environment,
                pass_fds=[sock.fileno() for sock in bound.values()],
            ) as child:
                for address in addresses.values():
                    await connectable(child, address)
                yield RunningPeer(self.name, _version(), addresses, child)


def program() -> str:
    """Its path, "" when it is not installed. Debian puts it where only root's PATH leads."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
    return shutil.which("haproxy", path=path) or ""


def _version() -> str:
    """As in "2.6.12-1"."""
    done = subprocess.run([program(), "-v"], capture_output=True, text=True, timeout=10, check=False)
    words = done.stdout.split()
    return words[words.index("version") + 1] if "version" in words else ""


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock
