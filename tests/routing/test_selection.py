"""Usable endpoints and the reasons of all others: section T, one row a case."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.routing.objects import HTTP, IPV4, NODE, draining, endpoint_slice, ready, unready
from userproxy.model.endpoints import SliceEndpoint
from userproxy.routing.candidates import candidates
from userproxy.routing.selection import Selection, Topology, Wanted, reasons, select

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
ZONE = "eu-a"

CLUSTER = Wanted(cluster=True, local=False)
LOCAL = Wanted(cluster=False, local=True)
BOTH = Wanted(cluster=True, local=True)

NOT_READY = "not ready"
DEAD = "terminating and not serving"
WAITING = "terminating while others are ready"
ELSEWHERE = "not on this node (policy Local)"


@dataclass(frozen=True)
class Case:
    """Endpoints in, last octets of the sets out, and a reason for each unused one."""

    entries: list[SliceEndpoint]
    wanted: Wanted = CLUSTER
    cluster: str | None = None
    local: str | None = None
    reasons: tuple[str | None, ...] = ()
    topology: Topology = Topology.NONE
    zone: str = ZONE


def chosen(entries: list[SliceEndpoint], wanted: Wanted, zone: str = ZONE) -> Selection:
    found = candidates([endpoint_slice("web-1", entries)], HTTP, IPV4, NODE)
    return select(found.unique, wanted, node_name=NODE, zone=zone)


def octets(endpoints: tuple[object, ...] | None) -> str | None:
    return None if endpoints is None else "".join(str(one).split(":")[0][-1] for one in endpoints)


TABLE = [
    pytest.param(Case([], cluster="", topology=Topology.NONE), id="T1 no endpoints"),
    pytest.param(
        Case([ready(A), unready(B), ready(C)], cluster="13", reasons=(None, NOT_READY, None)),
        id="T1 T5 ready ones",
    ),
    pytest.param(
        Case([ready(A), draining(B)], cluster="1", reasons=(None, WAITING)),
        id="T1 T5 terminating while others are ready",
    ),
    pytest.param(
        Case([unready(A), draining(B)], cluster="2", reasons=(NOT_READY, None)),
        id="T1 only terminating and serving are left",
    ),
    pytest.param(
        Case([draining(A, serving=False), draining(B)], cluster="2", reasons=(DEAD, None)),
        id="T1 T5 terminating and not serving",
    ),
    pytest.param(
        Case([draining(A, serving=False)], cluster="", reasons=(DEAD,)), id="T1 nothing serves any more"
    ),
    pytest.param(
        Case([unready(A)._replace(serving=True)], cluster="", reasons=(NOT_READY,)),
        id="T1 serving alone is not enough",
    ),
    pytest.param(
        Case([ready(A)._replace(terminating=True), draining(B)], cluster="1", reasons=(None, WAITING)),
        id="T9 ready but terminating counts as ready",
    ),
    pytest.param(
        Case([ready(A)._replace(serving=False)], cluster="1", reasons=(None,)),
        id="T9 ready but not serving counts as ready",
    ),
    pytest.param(
        Case([ready(A, NODE), ready(B, "there"), ready(C)], LOCAL, None, "1", (None, ELSEWHERE, ELSEWHERE)),
        id="T2 T5 local ready ones",
    ),
    pytest.param(
        Case([draining(A, NODE), ready(B, "there")], LOCAL, None, "1", (None, ELSEWHERE)),
        id="T2 local terminating with remote ready",
    ),
    pytest.param(
        Case([draining(A, NODE), ready(B, NODE)], LOCAL, None, "2", (WAITING, None)),
        id="T2 local terminating with local ready",
    ),
    pytest.param(
        Case([draining(A, "there"), unready(B, NODE)], LOCAL, None, "", (ELSEWHERE, NOT_READY)),
        id="T2 T5 only remote terminating",
    ),
    pytest.param(
        Case([draining(A, NODE), ready(B, "there")], BOTH, "2", "1", (None, None)),
        id="T1 T2 local terminating with remote ready, both sets",
    ),
    pytest.param(
        Case([draining(A, "there"), ready(B, "there")], BOTH, "2", "", (WAITING, None)),
        id="T1 T2 T5 both sets, none local",
    ),
    pytest.param(
        Case([unready(A, NODE), ready(B, "there")], BOTH, "2", "", (NOT_READY, None)),
        id="T1 T2 both sets, local one unready",
    ),
    pytest.param(
        Case(
            [ready(A, zones="eu-a"), ready(B, zones="eu-b"), ready(C, zones="eu-b eu-a")],
            cluster="13",
            reasons=(None, "hinted for zone(s) eu-b, this node is in eu-a", None),
            topology=Topology.ZONE,
        ),
        id="T3 T5 zone hints",
    ),
    pytest.param(
        Case(
            [ready(A, zones="eu-a eu-b"), ready(B, zones="eu-c")],
            cluster="2",
            zone="eu-c",
            reasons=("hinted for zone(s) eu-a, eu-b, this node is in eu-c", None),
            topology=Topology.ZONE,
        ),
        id="T3 T5 several zones on one endpoint",
    ),
    pytest.param(
        Case([ready(A, zones="eu-a"), ready(B)], cluster="12", reasons=(None, None)),
        id="T3 all but one hinted",
    ),
    pytest.param(
        Case([ready(A, zones="eu-b"), ready(B, zones="eu-c")], cluster="12", reasons=(None, None)),
        id="T3 a zone that no hint names",
    ),
    pytest.param(
        Case([ready(A, zones="eu-a"), ready(B, zones="eu-b")], cluster="12", reasons=(None, None), zone=""),
        id="T3 T4 this node's zone is unknown",
    ),
    pytest.param(
        Case(
            [ready(A)._replace(zone_hints=("",)), ready(B, zones="eu-b")],
            cluster="12",
            reasons=(None, None),
            zone="",
        ),
        id="T3 T4 an unknown zone matches no hint, not even an empty one",
    ),
    pytest.param(
        Case(
            [ready(A, zones="eu-a"), ready(B, zones="eu-b"), unready(C)],
            cluster="1",
            reasons=(None, "hinted for zone(s) eu-b, this node is in eu-a", NOT_READY),
            topology=Topology.ZONE,
        ),
        id="T3 unready ones need no hint",
    ),
    pytest.param(
        Case([ready(A), ready(B), unready(C, zones="eu-a")], cluster="12", reasons=(None, None, NOT_READY)),
        id="T3 hints on unready ones only",
    ),
    pytest.param(
        Case([ready(A, zones="eu-b"), unready(B, zones="eu-a")], cluster="1", reasons=(None, NOT_READY)),
        id="T3 an unready one's hint never matches",
    ),
    pytest.param(
        Case(
            [ready(A, nodes="here"), ready(B, nodes="there"), ready(C, nodes="there here")],
            cluster="13",
            reasons=(None, "hinted for node(s) there", None),
            topology=Topology.NODE,
        ),
        id="T3 T5 node hints",
    ),
    pytest.param(
        Case(
            [ready(A, nodes="x y"), ready(B, nodes="here")],
            cluster="2",
            reasons=("hinted for node(s) x, y", None),
            topology=Topology.NODE,
        ),
        id="T3 T5 several nodes on one endpoint",
    ),
    pytest.param(
        Case(
            [ready(A, zones="eu-a", nodes="there"), ready(B, zones="eu-b", nodes="here")],
            cluster="2",
            reasons=("hinted for node(s) there", None),
            topology=Topology.NODE,
        ),
        id="T3 node hints go before zone hints",
    ),
    pytest.param(
        Case(
            [ready(A, zones="eu-a", nodes="there"), ready(B, zones="eu-b", nodes="there")],
            cluster="1",
            reasons=(None, "hinted for zone(s) eu-b, this node is in eu-a"),
            topology=Topology.ZONE,
        ),
        id="T3 no node hint names this node: zone hints",
    ),
    pytest.param(
        Case(
            [ready(A, zones="eu-a", nodes="here"), ready(B, zones="eu-b")],
            cluster="1",
            reasons=(None, "hinted for zone(s) eu-b, this node is in eu-a"),
            topology=Topology.ZONE,
        ),
        id="T3 one without a node hint switches node hints off",
    ),
    pytest.param(
        Case(
            [ready(A, NODE, zones="eu-b"), ready(B, NODE, zones="eu-a"), ready(C, "there", zones="eu-a")],
            BOTH,
            "23",
            "12",
            (None, None, None),
            Topology.ZONE,
        ),
        id="T2 hints never apply to the local set",
    ),
    pytest.param(
        Case(
            [ready(A, NODE, zones="eu-b"), ready(B, "there", zones="eu-a")],
            LOCAL,
            None,
            "1",
            (None, ELSEWHERE),
        ),
        id="T2 policy Local alone looks at no hint",
    ),
]


@pytest.mark.spec("T1", "T2", "T3", "T4", "T5", "T9")
@pytest.mark.parametrize("case", TABLE)
def test_sets_and_reasons(case: Case) -> None:
    found = candidates([endpoint_slice("web-1", case.entries)], HTTP, IPV4, NODE)
    selection = select(found.unique, case.wanted, node_name=NODE, zone=case.zone)
    assert (octets(selection.cluster), octets(selection.local)) == (case.cluster, case.local)
    assert selection.topology is case.topology
    assert tuple(why for _, why in reasons(found, selection, zone=case.zone)) == case.reasons


@pytest.mark.parametrize(
    ("entries", "wanted", "usable"),
    [
        pytest.param([], CLUSTER, False, id="T8 none"),
        pytest.param([unready(A)], CLUSTER, False, id="T8 unready"),
        pytest.param([draining(A, serving=False)], CLUSTER, False, id="T8 terminating, not serving"),
        pytest.param([draining(A)], CLUSTER, True, id="T8 terminating, serving"),
        pytest.param([ready(A, "there")], LOCAL, True, id="T8 ready elsewhere, policy Local"),
        pytest.param([draining(A, "there")], LOCAL, True, id="T8 terminating elsewhere, policy Local"),
    ],
)
def test_T8_usable_anywhere_is_judged_before_policy_and_topology(
    entries: list[SliceEndpoint], wanted: Wanted, usable: bool
) -> None:
    selection = chosen(entries, wanted)
    assert selection.usable_anywhere is usable
    assert not (wanted is LOCAL and selection.local)


def test_serving_keeps_every_endpoint_that_serves_in_order() -> None:
    entries = [
        draining(C),
        ready(A, "there"),
        unready(B)._replace(serving=True),
        draining("10.0.0.4", serving=False),
    ]
    assert octets(chosen(entries, LOCAL).serving) == "123"


def test_T5_a_duplicate_names_the_slice_that_beat_it() -> None:
    slices = [endpoint_slice("web-2", [ready(A)]), endpoint_slice("web-1", [draining(A)])]
    found = candidates(slices, HTTP, IPV4, NODE)
    selection = select(found.unique, CLUSTER, node_name=NODE, zone=ZONE)
    explained = [(one.slice_name, why) for one, why in reasons(found, selection, zone=ZONE)]
    assert explained == [("web-2", None), ("web-1", "duplicate of web-2")]
