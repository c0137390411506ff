"""iperf3: its JSON becomes a reading, each way."""

from __future__ import annotations

import json

import pytest

from benchmarks.actors.iperf_server import IperfServer
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Timing
from benchmarks.forwarding.loads.iperf import Iperf, reading
from benchmarks.forwarding.loads.program import Ran

RESULT = {"end": {"sum_received": {"bytes": 2_000_000_000, "seconds": 1.25}, "sum_sent": {"bytes": 1}}}


def ran(content: object, last_words: str = "") -> Ran:
    return Ran(json.dumps(content), last_words, {}, 0.0)


def test_bytes_are_those_that_arrived() -> None:
    found = reading(ran(RESULT))
    assert (found.window.report.bytes, found.window.report.seconds, found.failed) == (2_000_000_000, 1.25, 0)


def test_its_own_error_is_passed_on() -> None:
    with pytest.raises(BenchmarkError, match=r"^iperf3: unable to connect to server$"):
        reading(ran({"error": "unable to connect to server"}))


@pytest.mark.parametrize("content", [{}, {"end": {}}, [1], None])
def test_no_result_is_an_error_with_its_last_words(content: object) -> None:
    with pytest.raises(BenchmarkError, match=r"^iperf3 gave no result: killed$"):
        reading(ran(content, "killed"))


@pytest.mark.skipif(bool(Iperf(1).missing()), reason=f"iperf3: {Iperf(1).missing()}")
@pytest.mark.parametrize("reverse", [False, True])
async def test_against_its_server(reverse: bool) -> None:
    async with IperfServer() as server:
        await server.ready()
        found = await Iperf(2, reverse).read(server.address, {"backend": server.pid}, Timing(0, 0.1))
    assert found.window.report.bytes > 1_000_000
    assert found.window.cpu["backend"].total_s > 0
