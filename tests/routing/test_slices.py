"""The slice cache: rules E1, E2, E8, E9, E10 and the zone index of T4."""

from __future__ import annotations

import pytest

from tests.routing.objects import endpoint_slice, name, ready
from userproxy.model.endpoints import EndpointSlice
from userproxy.routing.slices import SliceCache

WEB, API = name("web"), name("api")


def test_E1_slice_belongs_to_the_service_that_its_label_names() -> None:
    cache = SliceCache()
    assert cache.apply(endpoint_slice("other/web-1", of="web")) == (name("other/web"),)
    assert [one.name for one in cache.of(name("other/web"))] == ["web-1"]
    assert cache.of(WEB) == ()


def test_E1_label_that_changes_moves_the_slice() -> None:
    cache = SliceCache()
    cache.apply(endpoint_slice(of="web"))
    assert cache.apply(endpoint_slice(of="api")) == (WEB, API)
    assert cache.of(WEB) == ()
    assert len(cache.of(API)) == 1


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param(endpoint_slice(of=""), id="E1 label gone"),
        pytest.param(endpoint_slice(family=None), id="E2 FQDN"),
    ],
)
@pytest.mark.spec("E1", "E2")
def test_slice_that_becomes_ignored_takes_its_endpoints_away(ignored: EndpointSlice) -> None:
    cache = SliceCache()
    assert cache.apply(ignored) == ()
    cache.apply(endpoint_slice())
    assert cache.apply(ignored) == (WEB,)
    assert cache.of(WEB) == ()
    assert ignored.key not in cache


@pytest.mark.parametrize("first", ["gains", "loses"])
def test_E8_endpoint_that_moves_between_slices_is_never_lost(first: str) -> None:
    cache = SliceCache()
    cache.apply(endpoint_slice("web-1", ["10.0.0.1"]))
    cache.apply(endpoint_slice("web-2", []))
    gains, loses = endpoint_slice("web-2", ["10.0.0.1"]), endpoint_slice("web-1", [])
    for change in (gains, loses) if first == "gains" else (loses, gains):
        assert cache.apply(change) == (WEB,)
    assert [[e.address for e in one.endpoints] for one in cache.of(WEB)] == [[], ["10.0.0.1"]]


def test_E9_nothing_is_left_once_slices_are_gone() -> None:
    cache = SliceCache()
    hinted = endpoint_slice("web-1", [ready("10.0.0.1", zones="eu-a")])
    for one in (hinted, endpoint_slice("web-2"), endpoint_slice("api-1", of="api")):
        cache.apply(one)
    for gone in ("web-1", "web-2", "api-1"):
        cache.remove(name(gone))
    assert not cache._slices
    assert not cache._by_service
    assert not cache._zone_hinted


def test_E10_equal_slice_and_unknown_delete_are_no_change() -> None:
    cache = SliceCache()
    cache.apply(endpoint_slice("web-1", ["10.0.0.1"]))
    assert cache.apply(endpoint_slice("web-1", ["10.0.0.1"])) == ()
    assert cache.remove(name("web-2")) == ()
    assert cache.remove(name("web-1")) == (WEB,)
    assert cache.remove(name("web-1")) == ()


def test_E7_slices_come_by_name_whatever_the_order_of_events() -> None:
    cache = SliceCache()
    for slice_name in ("web-3", "web-1", "web-2"):
        cache.apply(endpoint_slice(slice_name))
    assert [one.name for one in cache.of(WEB)] == ["web-1", "web-2", "web-3"]


def test_T4_services_with_zone_hints_are_known() -> None:
    cache = SliceCache()
    cache.apply(endpoint_slice("web-1", [ready("10.0.0.1", zones="eu-a")]))
    cache.apply(endpoint_slice("api-1", [ready("10.0.0.2", nodes="here")], of="api"))
    assert list(cache.zone_hinted()) == [WEB]
    cache.apply(endpoint_slice("web-1", [ready("10.0.0.1")]))
    assert list(cache.zone_hinted()) == []
