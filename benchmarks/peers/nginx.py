"""nginx's stream module with the configuration beside this file: TCP and UDP."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from socket import SOCK_DGRAM, SOCK_STREAM
from string import Template

from benchmarks.peers.base import KINDS, TCP_KINDS, RunningPeer, connectable, free_address
from benchmarks.processes import Child
from benchmarks.programs import find, first_line

__all__ = ["CONFIGURATION", "Nginx", "configuration"]

CONFIGURATION = Path(__file__).with_name("nginx.conf")
_INSTALL = "not installed (Debian, Ubuntu: apt-get install nginx libnginx-mod-stream)"
_MODULE = "ngx_stream_module.so"


class Nginx:
    name = "nginx"

    def missing(self) -> str:
        return _INSTALL if _stream_module() is None else ""

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        addresses = {kind: free_address(SOCK_DGRAM if kind == "udp" else SOCK_STREAM) for kind in KINDS}
        with tempfile.TemporaryDirectory(prefix="userproxy-benchmark-") as name:
            folder = Path(name)
            file = folder / "nginx.conf"
            file.write_text(configuration(addresses, endpoints, folder, _stream_module() or ""))
            # Its default error log needs root.
            command = (find("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(file))
            async with Child(self.name, command) as child:
                for kind in TCP_KINDS:
                    await connectable(child, addresses[kind])
                yield RunningPeer(self.name, _version(), addresses, child)


def configuration(
    addresses: Mapping[str, str], endpoints: Mapping[str, str], folder: Path, module: str
) -> str:
    """``module`` is the path of the stream module; "" when nginx has it built in."""
    places = {f"{kind}_listen": addresses[kind] for kind in KINDS}
    places |= {f"{kind}_endpoint": endpoints[kind] for kind in KINDS}
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Template(CONFIGURATION.read_text()).substitute(
        places,
        folder=folder,
        load_module=f"load_module {module};" if module else "",
        descriptors=most if most != resource.RLIM_INFINITY else 65536,
    )


def _stream_module() -> str | None:
    """The path of the module, "" when it is built in; None when there is none, or no nginx."""
    if not find("nginx"):
        return None
    done = subprocess.run([find("nginx"), "-V"], capture_output=True, text=True, timeout=10, check=False)
    flags = done.stderr.split()
    if "--with-stream" in flags:
        return ""
    for flag in flags:
        name, _, folder = flag.partition("=")
        if name == "--modules-path" and (Path(folder) / _MODULE).exists():
            return str(Path(folder) / _MODULE)
    return None


def _version() -> str:
    """As in "1.22.1"."""
    return first_line(find("nginx"), "-v").rpartition("/")[2]
