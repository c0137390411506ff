"""One backend from a shell: ``python -m userproxy.testing.backends http --name a --port 0``."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping

from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.backends.process import LISTENING
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho

_KINDS: Mapping[str, Callable[..., TcpEcho | HttpBackend | UdpEcho]] = {
    "tcp": TcpEcho,
    "http": HttpBackend,
    "udp": UdpEcho,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a backend until SIGTERM or SIGINT (0); 1 when its address cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m userproxy.testing.backends", description=__doc__)
    parser.add_argument("kind", choices=sorted(_KINDS), help="what it speaks")
    parser.add_argument("--name", default="", help="what it says in its answers")
    parser.add_argument("--host", default="127.0.0.1", metavar="IP", help="default: %(default)s")
    parser.add_argument("--port", default=0, type=int, help="default: one that the kernel chooses")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input (a pipe) ends")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(parsed))
    except OSError as error:
        sys.stderr.write(f"error: {parsed.host}:{parsed.port}: {error.strerror or error}\n")
        return 1
    return 0


async def _serve(parsed: argparse.Namespace) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    async with _KINDS[parsed.kind](parsed.name, host=parsed.host, port=parsed.port) as backend:
        sys.stdout.write(f"{LISTENING}{backend.endpoint}\n")
        sys.stdout.flush()
        if parsed.until_eof:
            loop.add_reader(sys.stdin.fileno(), _read_input, over)
        await over.wait()


def _read_input(over: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        over.set()


if __name__ == "__main__":
    sys.exit(main())
