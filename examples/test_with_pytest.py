"""userproxy inside a test suite: a real Service network, and a client that must survive a lost replica.

python -m pytest examples/test_with_pytest.py
"""

from __future__ import annotations

import urllib.request
from asyncio import to_thread
from collections.abc import AsyncIterator

import pytest_asyncio

from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.objects import endpoint_slice, service


@pytest_asyncio.fixture
async def services() -> AsyncIterator[tuple[MemorySource, Proxy]]:
    """Services that this test defines; every port is on 127.0.0.1 with a number of its own."""
    source = MemorySource()
    async with Proxy(source, settings=Settings(addresses=Addresses.EPHEMERAL)) as proxy:
        yield source, proxy


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode().strip()


async def test_requests_go_to_the_replica_that_is_left(services: tuple[MemorySource, Proxy]) -> None:
    source, proxy = services
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        source.apply(
            service("shop", 80),
            endpoint_slice("shop", [one.endpoint], name="shop-1"),
            endpoint_slice("shop", [two.endpoint], name="shop-2"),
        )
        await proxy.settled()
        host, port = proxy.address("shop")
        url = f"http://{host}:{port}/"
        assert {await to_thread(get, url) for _ in range(4)} == {"one", "two"}

        two.refuse()  # a replica dies, and its slice has not changed yet
        assert {await to_thread(get, url) for _ in range(4)} == {"one"}

        source.delete("EndpointSlice", "shop-2")
        await proxy.settled()
        assert {await to_thread(get, url) for _ in range(4)} == {"one"}
