"""The manifests that userproxy is started with."""

from __future__ import annotations

from benchmarks.peers.base import KINDS, TCP_KINDS
from benchmarks.peers.userproxy import manifests
from userproxy.sources.memory import MemorySource


def test_each_kind_is_a_service_with_one_endpoint() -> None:
    endpoints = {kind: f"127.0.0.1:{9000 + number}" for number, kind in enumerate(KINDS)}
    raw = manifests(endpoints)
    MemorySource().apply(raw)  # refuses what is no object
    items = raw["items"]
    assert isinstance(items, list)
    services = [item for item in items if item["kind"] == "Service"]
    slices = [item for item in items if item["kind"] == "EndpointSlice"]
    assert [item["metadata"]["name"] for item in services] == list(KINDS)
    assert [item["ports"][0]["port"] for item in slices] == [
        int(place.rpartition(":")[2]) for place in endpoints.values()
    ]
    assert [item["ports"][0]["protocol"] for item in slices] == ["TCP"] * len(TCP_KINDS) + ["UDP"]
