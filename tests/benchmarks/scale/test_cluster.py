"""The lists that are sent are those that the product serves."""

from __future__ import annotations

import orjson
import pytest

from benchmarks.scale.cluster import ENDPOINTS, endpoint_slice, pages, service
from userproxy.model.decode import decode_endpoint_slice, decode_service
from userproxy.model.endpoints import EndpointSlice
from userproxy.model.events import Upsert
from userproxy.model.service import Service


@pytest.mark.parametrize("number", [0, 499, 9_999])
def test_objects_decode_without_a_problem(number: int) -> None:
    one, its_slice = decode_service(service(number)), decode_endpoint_slice(endpoint_slice(number))
    assert isinstance(one, Upsert)
    assert isinstance(its_slice, Upsert)
    assert one.problems == its_slice.problems == ()
    assert isinstance(one.object, Service)
    assert isinstance(its_slice.object, EndpointSlice)
    assert its_slice.object.service == one.object.key
    assert len({endpoint.address for endpoint in its_slice.object.endpoints}) == ENDPOINTS


def test_pages_go_on_until_the_last() -> None:
    first, second = map(orjson.loads, pages("services", 7, 4))
    assert [len(first["items"]), len(second["items"])] == [4, 3]
    assert first["metadata"]["remainingItemCount"] == 3
    assert "continue" not in second["metadata"]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
