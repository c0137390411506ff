"""`Settings.min_sync_period_s`: how often a new table is put in force (rule R10)."""

from __future__ import annotations

import asyncio

import pytest

from tests.option import with_workers
from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.testing.objects import service

pytestmark = [pytest.mark.both_loops, pytest.mark.proxied]

HOUR_S = 3600.0


async def test_R10_changes_within_the_period_wait_for_its_end_and_are_one() -> None:
    settings = with_workers(Settings(addresses=Addresses.EPHEMERAL, min_sync_period_s=HOUR_S))
    source = MemorySource()
    async with Proxy(source, settings=settings) as proxy:
        source.apply(service("first", 80))
        await proxy.settled()  # the first table is in force at once
        before, published_at = proxy.snapshot().generation, proxy._published_at
        for number in range(5):
            source.apply(service(f"later-{number}", 80))
            for _ in range(5):
                await asyncio.sleep(0)
        assert proxy.snapshot().generation == before
        timer = proxy._publication
        assert timer is not None
        # uvloop's timers are of no class of asyncio's.
        assert timer.when() == pytest.approx(published_at + HOUR_S, abs=0.01)  # type: ignore[attr-defined]  # a timer
        proxy._publish()  # what the timer calls
        assert proxy.snapshot().generation == before + 1
        while len(proxy.snapshot().ports) < 6:  # workers tell of them
            await asyncio.sleep(0)
