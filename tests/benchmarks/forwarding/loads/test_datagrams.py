"""Datagrams: answered, lost and wrong ones."""

from __future__ import annotations

import pytest

from benchmarks.actors.remote import Backend
from benchmarks.forwarding.loads.base import Timing
from benchmarks.forwarding.loads.datagrams import Datagrams
from tests.benchmarks.actors.test_udp_load import Address, answering, twice


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(Datagrams(3, 64), id="in flight"),
        pytest.param(Datagrams(2, 1200, run=8, in_flight=16), id="dense runs"),
        pytest.param(Datagrams(5, 64, rate=2000), id="at a rate"),
    ],
)
async def test_against_the_bundled_backend(load: Datagrams) -> None:
    async with Backend() as backend:
        endpoint = await backend.open("udp")
        found = await load.read(endpoint, {"backend": backend.pid}, Timing(0.1, 0.3))
    assert (found.failed, found.error, found.lost) == (0, "", 0.0)
    assert found.window.report.done > 100
    assert found.window.cpu["backend"].total_s > 0


async def test_a_wrong_answer_is_a_failure() -> None:
    async with answering(twice) as address, Backend() as backend:
        found = await Datagrams(2, 64).read(address, {"backend": backend.pid}, Timing(0.0, 0.1))
    assert found.failed > 0
    assert "doubled" in found.error


async def test_what_is_not_answered_is_lost_and_no_failure() -> None:
    count = 0

    def every_other(data: bytes, client: Address) -> list[tuple[bytes, Address]]:
        nonlocal count
        count += 1
        return [(data, client)] * (count % 2)

    async with answering(every_other) as address, Backend() as backend:
        found = await Datagrams(1, 64, rate=500).read(address, {"backend": backend.pid}, Timing(0.0, 0.2))
    assert found.failed == 0
    assert found.lost == pytest.approx(0.5, abs=0.05)
