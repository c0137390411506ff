"""wrk: what its script says becomes a reading; a backend that lies is noticed."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.actors.messages import answer, body, token
from benchmarks.actors.remote import Backend
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Timing
from benchmarks.forwarding.loads.program import Ran
from benchmarks.forwarding.loads.wrk import Wrk, reading
from benchmarks.measuring.proc import CpuTime

LINE = (
    '{"done": 900, "us": 1000000, "p50_us": 250, "p99_us": 1250, "wrong": %d, '
    '"connect": 0, "read": %d, "write": 0, "status": 0, "timeout": 0}'
)
wants_wrk = pytest.mark.skipif(bool(Wrk(1).missing()), reason=f"wrk: {Wrk(1).missing()}")


def ran(text: str, last_words: str = "") -> Ran:
    return Ran(text, last_words, {"load": CpuTime(0.1, 0.2)}, 0.5)


def test_what_the_script_says() -> None:
    found = reading(ran("Running 1s test\n" + LINE % (0, 0) + "\n"))
    assert (found.window.report.done, found.window.report.seconds, found.failed) == (900, 1.0, 0)
    assert found.latency_ms == {"p50": 0.25, "p99": 1.25}


def test_faults_are_counted_and_named() -> None:
    found = reading(ran(LINE % (3, 2)))
    assert (found.failed, found.error) == (5, "3 wrong, 2 read")


@pytest.mark.parametrize("text", ["", "unable to connect to 127.0.0.1:1", "{}", "[1]"])
def test_no_result_is_an_error_with_its_last_words(text: str) -> None:
    with pytest.raises(BenchmarkError, match=r"^wrk gave no result: connection refused$"):
        reading(ran(text, "connection refused"))


@wants_wrk
@pytest.mark.parametrize("closes", [False, True])
async def test_against_the_bundled_backend(closes: bool) -> None:
    async with Backend() as backend:
        endpoint = await backend.open("http")
        found = await Wrk(4, closes).read(endpoint, {"backend": backend.pid}, Timing(0, 0.1))
    assert (found.failed, found.error) == (0, "")
    assert found.window.report.done > 100
    assert found.window.cpu["backend"].total_s > 0
    assert found.window.cpu["load"].total_s > 0


@wants_wrk
async def test_a_wrong_body_is_a_fault() -> None:
    right, count = token(0, 0), 0
    wrong = body(right).replace(b".", b"!", 1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                count += 1
                said = answer(right, closes=False)
                writer.write(said.replace(body(right), wrong) if count == 5 else said)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Backend() as backend:
        address = "{}:{}".format(*server.sockets[0].getsockname())
        found = await Wrk(1).read(address, {"backend": backend.pid}, Timing(0, 0.1))
    assert (found.failed, found.error) == (1, "1 wrong")
