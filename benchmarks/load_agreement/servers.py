"""What is loaded: nginx that answers by itself, and servers with known delays."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.base import connectable, free_address
from benchmarks.processes import Child, python
from benchmarks.programs import find

__all__ = ["Truth", "delays", "nginx"]

_NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address} backlog=4096;
        location / {{ return 200 "answered by nginx, as fast as it can\\n"; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Truth:
    """Delays as the server itself measured them, in milliseconds."""

    answered: int
    p50_ms: float
    p99_ms: float


class Delays:
    """A running server with known delays."""

    def __init__(self, child: Child, address: str) -> None:
        self._child = child
        self.url = f"http://{address}/"

    async def truth(self) -> Truth:
        """Of all answers since the last call."""
        self._child.tell("report")
        return Truth(**json.loads(await self._child.line()))


@asynccontextmanager
async def delays(*parts: str) -> AsyncIterator[Delays]:
    """``parts`` as in `benchmarks.load_agreement.delays`. Raises BenchmarkError when it does not start."""
    command = python("benchmarks.load_agreement.delays", *parts)
    async with Child("a server with known delays", command, talks=True) as child:
        yield Delays(child, await child.line())


@asynccontextmanager
async def nginx() -> AsyncIterator[str]:
    """Its URL. Raises BenchmarkError when it does not start."""
    with tempfile.TemporaryDirectory(prefix="userproxy-benchmark-") as name:
        address = free_address()
        file = Path(name) / "nginx.conf"
        file.write_text(_NGINX.format(folder=name, address=address))
        async with Child("nginx", (find("nginx"), "-e", "stderr", "-p", name, "-c", str(file))) as child:
            await connectable(child, address)
            yield f"http://{address}/"
