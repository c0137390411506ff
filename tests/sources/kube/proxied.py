"""Which requests of kubectl's go through a proxy? To be run in a network namespace of its own.

In: JSON on standard input, a list of {"server", "environ"}. Out: JSON, a list of booleans. In the namespace
there is nothing but a loopback interface, so that what kubectl sends straight to the server goes nowhere.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import struct
import sys
import tempfile
from pathlib import Path

from tests.sources.kube.kubeconfigs import write_kubeconfig
from tests.sources.kube.kubectl import kubectl

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def bring_loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


async def goes_through_a_proxy(folder: Path, server: str, environ: dict[str, str]) -> bool:
    """Ask ``server`` with ``environ``, in which PROXY stands for a proxy that only takes notes."""
    connected = False

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected |= bool(await reader.readline())
        writer.write(b"HTTP/1.1 502 no\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(note, "127.0.0.1", 0)
    async with proxy:
        address = "{}:{}".format(*proxy.sockets[0].getsockname())
        config = write_kubeconfig(folder / "config", server=server, user={"token": "abc"})
        stated = {name: value.replace("PROXY", address) for name, value in environ.items()}
        await kubectl(folder / "own", "get", "--raw", "/", KUBECONFIG=str(config), **stated)
    return connected


async def main() -> None:
    limit = asyncio.Semaphore(4)

    async def one(number: int, case: dict[str, object]) -> bool:
        folder = base / str(number)
        folder.mkdir()
        environ = case["environ"]
        assert isinstance(environ, dict)
        async with limit:
            return await goes_through_a_proxy(folder, str(case["server"]), environ)

    bring_loopback_up()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        cases = json.load(sys.stdin)
        print(json.dumps(await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))))  # noqa: T201 -- this is its output


if __name__ == "__main__":
    asyncio.run(main())
