"""A tiny run of every part: each operation does what it is for, at each size."""

from __future__ import annotations

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.pure import balancing, decoding, deriving
from benchmarks.pure.objects import service_bytes, slice_bytes
from benchmarks.pure.routes import BALANCERS, SIZES, endpoints, route, serve
from benchmarks.pure.run import MEMORY, PARTS, Plan, take
from userproxy.dataplane.runtime import Runtime
from userproxy.model.service import Balancer
from userproxy.settings import Settings


async def test_every_part_is_measured_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balancing, "MAX_AFFINE_CLIENTS", 50)
    monkeypatch.setattr(deriving, "SERVICES", (100, 300))
    taken = await take(Plan(PARTS, rounds=2, seconds=1e-4, services=20))
    found = {(one.part, one.name, one.size) for one in taken.measured}
    for part in ("picks", "swaps"):
        assert {(part, balancer.value, size) for balancer in BALANCERS for size in SIZES} <= found
    assert {("affinity", "known client", size) for size in SIZES} <= found
    assert {("derivation", "one slice changed", size) for size in (100, 300)} <= found
    assert {part for part, _, _ in found} == set(PARTS) - {MEMORY}
    assert all(len(one.rates) == 2 and min(one.rates) > 0 for one in taken.measured)
    assert {name: len(values) for name, values in taken.memory.items()} == {"tracemalloc": 2, "RSS": 2}
    # Two slotted values with ten endpoints are no less than this, whatever the interpreter.
    assert all(value > 1_000 for value in taken.memory["tracemalloc"])


async def test_only_the_parts_that_are_asked_for() -> None:
    taken = await take(Plan(["decode"], rounds=1, seconds=1e-4, services=1))
    assert {one.part for one in taken.measured} == {"decode"}
    assert not taken.memory


@pytest.mark.parametrize("balancer", BALANCERS)
@pytest.mark.parametrize("size", [10, 100])
async def test_a_swap_publishes_the_other_route_with_its_picker(balancer: Balancer, size: int) -> None:
    runtime = Runtime(Settings())
    try:
        port = await serve(runtime, route(balancer, endpoints(size)))
        other = route(balancer, endpoints(size, first=1))
        balancing._swapping(port, (other,))(1)
    finally:
        runtime.close()
    assert port.route == other
    assert port.picker.endpoints == other.internal


def test_an_object_that_is_refused_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "service_bytes", lambda name: b'{"kind": "Service", "apiVersion": "v1"}')
    with pytest.raises(BenchmarkError, match="the Service of 1 endpoints is not read as good"):
        decoding.decoding()


def test_services_with_problems_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    same = service_bytes("web")
    monkeypatch.setattr(
        deriving, "service_bytes", lambda name, number: same.replace(b'"web"', f'"{name}"'.encode())
    )
    with pytest.raises(BenchmarkError, match="the objects have problems"):
        deriving.state_of(2)


def test_a_change_that_changes_nothing_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deriving, "slice_bytes", lambda name, first: slice_bytes(name))
    with pytest.raises(BenchmarkError, match="did not change"):
        deriving._changing(100)(1)
