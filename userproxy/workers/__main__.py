"""``python -m userproxy.workers DESCRIPTOR LOOP``: what a parent starts; of no use by itself."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

from userproxy.workers.worker import Worker


def main(descriptor: str, loop_kind: str) -> int:
    """Work for the parent at the other end of ``descriptor`` until it hangs up."""
    # Whoever stops the parent with its whole group must not cut what the parent wants to drain.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sock = socket.socket(fileno=int(descriptor))

    async def work() -> int:
        return await Worker(sock).run()

    if loop_kind == "uvloop":
        import uvloop

        return uvloop.run(work())
    return asyncio.run(work())


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
