"""One start after the other, and when each one forwarded its first byte."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.measuring.proc import cpu_of_tree
from benchmarks.processes import Child, python
from userproxy.model.names import Family, NamespacedName
from userproxy.routing import LoopbackAddresses
from userproxy.testing.objects import endpoint_slice, service

__all__ = ["SERVICES", "Start", "measure_starts"]

SERVICES = 10
PORT = 8080
LIMIT_S = 15.0
_POLL_S = 0.001
_ASKED, _ANSWER = b"?", b"!"


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds since the process was started."""

    python_s: float
    """Until an interpreter that does nothing has ended, in the same round."""
    first_byte_s: float
    """Until the first answer came through the first Service."""
    all_s: float
    """Until each Service has answered."""
    cpu_s: float
    """Processor time that the proxy had taken by then; the kernel counts in steps of 10 ms."""


async def measure_starts(rounds: int, loops: Sequence[str]) -> Mapping[str, tuple[Start, ...]]:
    """By loop. Raises BenchmarkError when a proxy does not serve."""
    starts: dict[str, list[Start]] = {loop: [] for loop in loops}
    names = [f"start-{os.getpid()}-{number}" for number in range(SERVICES)]
    with tempfile.TemporaryDirectory(prefix="userproxy-start-") as folder:
        async with _endpoint() as endpoint:
            file = Path(folder) / "services.json"
            items = [
                item for name in names for item in (service(name, PORT), endpoint_slice(name, [endpoint]))
            ]
            file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
            for number in range(1, rounds + 1):
                print(f"start: round {number} of {rounds}", file=sys.stderr, flush=True)
                for loop in loops:
                    starts[loop].append(await _start(file, names, loop))
    return {loop: tuple(measured) for loop, measured in starts.items()}


async def _start(file: Path, names: Sequence[str], loop: str) -> Start:
    now = asyncio.get_running_loop().time
    began_s = now()
    async with Child("python", (sys.executable, "-c", "pass")) as nothing:
        await nothing.wait()
        python_s = now() - began_s
    # Rule L1: a Service has the same address at every start.
    plan = LoopbackAddresses()
    hosts = [plan.hold(NamespacedName("default", name), Family.IPV4) or "" for name in names]
    began_s = now()
    async with Child("userproxy", python("userproxy", "run", "-f", file, "--loop", loop)) as proxy:
        await _answered(proxy, hosts[0])
        first_byte_s = now() - began_s
        for host in hosts[1:]:
            await _answered(proxy, host)
        return Start(python_s, first_byte_s, now() - began_s, cpu_of_tree(proxy.pid).total_s)


async def _answered(proxy: Child, host: str) -> None:
    """Return when an answer has come by way of ``host``."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while not await _asked(host):
                proxy.check("did not start")
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise BenchmarkError(f"userproxy did not serve on {host}:{PORT} within {LIMIT_S:g} s") from None


async def _asked(host: str) -> bool:
    """Whether one connection brought the answer; nobody may be there yet."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client, suppress(ConnectionError):
        client.setblocking(False)
        await loop.sock_connect(client, (host, PORT))
        await loop.sock_sendall(client, _ASKED)
        answer = await loop.sock_recv(client, 1)
        if answer not in (_ANSWER, b""):
            raise BenchmarkError(f"{host}:{PORT} answered {answer!r}")
        return answer == _ANSWER
    return False


@asynccontextmanager
async def _endpoint() -> AsyncIterator[str]:
    """Answers each byte with one, on the address that is given."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1):
                writer.write(_ANSWER)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
