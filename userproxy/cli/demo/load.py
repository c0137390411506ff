"""The demo's load generators, one process each: ``python -m userproxy.cli.demo.load TCP|UDP HOST:PORT``.

Closed loop: each worker waits for its answer before it asks again. A report goes to standard output four
times a second, as one JSON object a line. The end of standard input ends it, after the answers under way.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import cast

import orjson
import uvloop

from userproxy.cli.demo.story import Latencies

REPORT_INTERVAL_S = 0.25
WORKERS = {"TCP": 16, "UDP": 8}
ASKS_PER_CONNECTION = {"TCP": 200, "UDP": 50}
"""Then a new connection, or flow, is made: the balancer gets its turn."""
TIMEOUT_S = 3.0
RETRY_S = 0.1
_REQUEST = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"


class Tally:
    """What happened since the last report."""

    def __init__(self) -> None:
        self._clear(time.perf_counter())

    def _clear(self, now: float) -> None:
        self.since = now
        self.ok = 0
        self.failed = 0
        self.who: Counter[str] = Counter()
        self.latencies = Latencies()
        self.error = ""

    def answered(self, who: str, seconds: float) -> None:
        self.ok += 1
        self.who[who] += 1
        self.latencies.add(seconds)

    def fail(self, error: str) -> None:
        self.failed += 1
        self.error = error

    def report(self) -> bytes:
        """One line; the next report starts from nothing."""
        now = time.perf_counter()
        line = orjson.dumps(
            {
                "seconds": now - self.since,
                "ok": self.ok,
                "failed": self.failed,
                "who": self.who,
                "latencies": self.latencies.counts,
                "error": self.error,
            },
            option=orjson.OPT_NON_STR_KEYS,
        )
        self._clear(now)
        return line


class Connection(asyncio.Protocol):
    """One HTTP connection: a request at a time, the answer checked."""

    def __init__(self, tally: Tally, over: asyncio.Future[None], may_go_on: Callable[[], bool]) -> None:
        self._tally = tally
        self.over = over
        self._may_go_on = may_go_on
        self._left = ASKS_PER_CONNECTION["TCP"]
        self._got = b""
        self._asked = 0.0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it
        self._ask()

    def _ask(self) -> None:
        if not self._left or not self._may_go_on():
            self._transport.close()
            return
        self._left -= 1
        self._waiting = True
        self._asked = time.perf_counter()
        self._transport.write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or not body.endswith(b"\n"):
            return
        self._got = b""
        self._waiting = False
        if head.startswith(b"HTTP/1.1 200 "):
            self._tally.answered(body.decode().strip(), time.perf_counter() - self._asked)
        else:
            self._tally.fail(head.partition(b"\r\n")[0].decode())
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting or not self._asked:
            self._tally.fail(str(error) if error else "the connection ended before its answer")
        if not self.over.done():
            self.over.set_result(None)


async def ask_over_tcp(host: str, port: int, tally: Tally, may_go_on: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    while may_go_on():
        try:
            await _converse(host, port, Connection(tally, loop.create_future(), may_go_on))
        except OSError as error:
            tally.fail(str(error))
            await asyncio.sleep(RETRY_S)


async def _converse(host: str, port: int, connection: Connection) -> None:
    """Returns when the connection is over. Raises OSError when it could not be made."""
    await asyncio.get_running_loop().create_connection(lambda: connection, host, port)
    await connection.over


async def ask_over_udp(host: str, port: int, tally: Tally, may_go_on: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    number = 0
    while may_go_on():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((host, port))
            for _ in range(ASKS_PER_CONNECTION["UDP"]):
                if not may_go_on():
                    return
                number += 1
                question = b"%d" % number
                asked = time.perf_counter()
                try:
                    async with asyncio.timeout(TIMEOUT_S):
                        await loop.sock_sendall(sock, question)
                        who, _, answer = (await loop.sock_recv(sock, 65536)).partition(b":")
                except (OSError, TimeoutError) as error:
                    tally.fail(f"{type(error).__name__}: {error}")
                    break
                if answer == question:
                    tally.answered(who.decode(), time.perf_counter() - asked)
                else:
                    tally.fail(f"{answer!r} is no answer to {question!r}")


_ASK: dict[str, Callable[[str, int, Tally, Callable[[], bool]], Coroutine[object, object, None]]] = {
    "TCP": ask_over_tcp,
    "UDP": ask_over_udp,
}


async def main(protocol: str, address: str) -> None:
    """Ask until standard input ends."""
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    tally = Tally()
    going_on = True

    def read_input() -> None:
        nonlocal going_on
        if not os.read(sys.stdin.fileno(), 4096):
            going_on = False
            loop.remove_reader(sys.stdin.fileno())

    loop.add_reader(sys.stdin.fileno(), read_input)
    workers = [
        asyncio.create_task(_ASK[protocol](host, int(port), tally, lambda: going_on))
        for _ in range(WORKERS[protocol])
    ]
    while True:
        _, pending = await asyncio.wait(workers, timeout=REPORT_INTERVAL_S)
        os.write(sys.stdout.fileno(), tally.report() + b"\n")
        if not pending:
            break
    await asyncio.gather(*workers)


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which then ends us
    uvloop.run(main(*sys.argv[1:]))
