"""Section T against a second, plain implementation, on random clusters."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.routing.clusters import ZONES, services, slices
from tests.routing.objects import NODE, names
from tests.routing.plain import plain_endpoints, plain_reason, plain_sets
from userproxy.model.endpoints import EndpointSlice
from userproxy.model.names import Family
from userproxy.model.service import Service
from userproxy.routing.derivation import port_selection
from userproxy.routing.node import NodeFacts
from userproxy.routing.selection import reasons

clusters = st.tuples(*(slices(name) for name in ("a", "b", "c"))).map(list)


@pytest.mark.spec("T1", "T2", "T3", "T4", "T5", "T8", "T9", "S8", "E4", "E7", "E11")
@settings(max_examples=200, deadline=None)
@given(services(), clusters, st.sampled_from(Family), st.sampled_from(["", *ZONES, "eu-c"]), st.randoms())
def test_selection_agrees_with_the_plain_reading(
    service: Service, cluster: list[EndpointSlice], family: Family, zone: str, random: Random
) -> None:
    shuffled = random.sample(cluster, len(cluster))
    for port in service.ports:
        found, selection = port_selection(service, port, family, shuffled, NodeFacts(NODE, zone))
        expected = plain_sets(service, port, family, cluster, NODE, zone)
        for ours, plain in (
            (selection.cluster, expected.cluster),
            (selection.local, expected.local),
            (selection.serving, expected.serving),
        ):
            assert names(ours) == (None if plain is None else sorted(plain))
        assert selection.usable_anywhere == expected.usable_anywhere
        by_address = plain_endpoints(cluster, port, family)
        given_reasons = reasons(found, selection, zone=zone)
        unique = {one.endpoint.name: why for one, why in given_reasons if not str(why).startswith("dupl")}
        assert unique == {
            where: plain_reason(where, by_address, expected, NODE, zone) for where in by_address
        }
