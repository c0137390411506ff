"""Held datagrams: order and bounds; and the memory of endpoints that refused. No sockets."""

from __future__ import annotations

import pytest

from userproxy.dataplane.udp_clients import Client
from userproxy.dataplane.udp_failures import FailedEndpoints
from userproxy.dataplane.udp_hold import FLOW_BYTES, LEAST_BYTES, SERVICE_BYTES, HeldDatagrams
from userproxy.model.routes import Endpoint

FIRST: Client = ("127.0.0.1", 1000)
SECOND: Client = ("::1", 1000, 0, 0)


def client(number: int) -> Client:
    return (f"127.0.{number // 250}.{number % 250}", 5000)


@pytest.mark.spec("L9")
def test_L9_clients_and_datagrams_keep_their_order() -> None:
    held = HeldDatagrams(10)
    assert held.add(FIRST, b"1", 5.0)
    assert held.add(SECOND, b"a", 6.0)
    assert held.add(FIRST, b"", 7.0)
    assert held.add(FIRST, b"3", 8.0)
    assert FIRST in held
    assert held.first_since_s() == 5.0
    assert held.pop() == (FIRST, [b"1", b"", b"3"])
    assert FIRST not in held
    assert held.first_since_s() == 6.0
    assert held.pop() == (SECOND, [b"a"])
    assert (len(held), held.size_bytes, held.first_since_s()) == (0, 0, None)


@pytest.mark.spec("L9")
def test_L9_a_flow_holds_64_KiB() -> None:
    held = HeldDatagrams(10)
    for _ in range(64):
        assert held.add(FIRST, bytes(1024), 0.0)
    assert not held.add(FIRST, b"x", 0.0)
    assert held.add(SECOND, bytes(65_507), 0.0), "the largest datagram fits"
    assert not held.add(SECOND, b"", 0.0)
    assert len(held.pop()[1]) == 64
    assert held.add(FIRST, b"x", 0.0), "room again once they are gone"


@pytest.mark.spec("L9")
def test_L9_a_service_holds_4_MiB() -> None:
    held = HeldDatagrams(1000)
    for number in range(64):
        assert held.add(client(number), bytes(FLOW_BYTES), 0.0)
    assert held.size_bytes == SERVICE_BYTES
    assert not held.add(client(64), b"x", 0.0)
    held.pop()
    assert held.add(client(64), b"x", 0.0)


def test_empty_datagrams_are_bounded_too() -> None:
    held = HeldDatagrams(10)
    taken = sum(held.add(FIRST, b"", 0.0) for _ in range(100_000))
    assert taken == FLOW_BYTES // LEAST_BYTES


def test_clients_are_bounded() -> None:
    held = HeldDatagrams(3)
    assert [held.add(client(number), b"x", 0.0) for number in range(5)] == [True, True, True, False, False]
    assert held.add(client(0), b"y", 0.0), "those that wait already may go on"


GONE = Endpoint.of("10.0.0.1", 53)
SLOW = Endpoint.of("10.0.0.2", 53)


@pytest.mark.spec("C6")
def test_C6_a_client_remembers_who_refused_it() -> None:
    failures = FailedEndpoints(timeout_s=30)
    failures.add(FIRST, GONE, 0.0)
    failures.add(FIRST, SLOW, 10.0)
    assert failures.of(FIRST, 11.0) == {GONE, SLOW}
    assert failures.of(SECOND, 11.0) == frozenset()
    assert failures.of(FIRST, 39.9) == {GONE, SLOW}
    assert failures.of(FIRST, 40.0) == frozenset()
    assert len(failures) == 0
    failures.add(FIRST, GONE, 50.0)
    failures.forget(FIRST)
    assert failures.of(FIRST, 50.0) == frozenset()


def test_the_memory_is_bounded_and_the_oldest_go_first() -> None:
    failures = FailedEndpoints(timeout_s=30, max_clients=2)
    failures.add(client(0), GONE, 0.0)
    failures.add(client(1), GONE, 1.0)
    failures.add(client(0), SLOW, 2.0)
    failures.add(client(2), GONE, 3.0)
    assert len(failures) == 2
    assert failures.of(client(1), 3.0) == frozenset()
    assert failures.of(client(0), 3.0) == {GONE, SLOW}
