"""What is said beside the rows: D7 (stale), S10 (conflicts), E1, E4, T4."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.routing.objects import (
    DNS,
    HTTP,
    IPV4,
    NODE,
    SCTP,
    TCP,
    endpoint_slice,
    fold,
    name,
    ready,
    service,
    state,
)
from userproxy.explain import notes
from userproxy.model.endpoints import SlicePort
from userproxy.model.events import Rejected, SourceProblems, Upsert
from userproxy.model.names import ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem, Severity
from userproxy.model.service import ServicePortSpec
from userproxy.routing import State

WEB, WEB_1 = service(), endpoint_slice("web-1", ["10.0.0.1"])


def said(one: State) -> dict[str, list[str]]:
    one.take()
    return {str(key): list(sentences) for key, sentences in notes(one).items()}


def test_nothing_to_say_of_what_is_well() -> None:
    assert said(state(WEB, WEB_1)) == {}


def test_D7_stale_objects_show_at_their_service() -> None:
    one = state(WEB, WEB_1)
    for ref in (WEB.ref, WEB_1.ref):
        fold(one, Rejected(ref, (Problem(ref, "spec", "", "D7", "is bad"),)))
    assert said(one) == {
        "default/web": [
            "stale: the last version of EndpointSlice default/web-1 was refused, the one before it goes on",
            "stale: the last version of Service default/web was refused, the one before it goes on",
            "error: EndpointSlice default/web-1: spec: is bad [D7]",
            "error: Service default/web: spec: is bad [D7]",
        ]
    }


def test_S10_conflicts_show_at_the_loser() -> None:
    web = replace(WEB, cluster_ips=((IPV4, "10.96.0.1"),))
    (sentence,) = said(state(web, replace(web, name="api"), WEB_1))["default/web"]
    assert sentence.startswith(
        "warning: Service default/web: spec.clusterIPs = 10.96.0.1:80/TCP: Service default/api"
    )


def test_what_belongs_to_no_service_comes_under_none() -> None:
    lost = endpoint_slice("lost", of="")
    problem = Problem(lost.ref, "metadata.labels", "", "E1", "is missing", Severity.WARNING)
    one = state()
    fold(one, Upsert(lost, (problem,)))
    source = ObjectRef("file", "", "web.yaml")
    fold(one, SourceProblems(source, (Problem(source, "", "", "", "is unreadable"),)))
    first, second = said(one)["None"]
    assert first.startswith("warning: EndpointSlice default/lost")
    assert second == "error: file web.yaml: is unreadable"


@pytest.mark.parametrize(
    ("zone", "sentences"),
    [
        pytest.param("", ["zone hints do not count: this node's zone is unknown"], id="T4 zone unknown"),
        pytest.param("eu-a", [], id="T4 zone known"),
    ],
)
def test_T4_zone_hints_without_a_zone(zone: str, sentences: list[str]) -> None:
    hinted = endpoint_slice("web-1", [ready("10.0.0.1", zones="eu-a")])
    assert said(state(WEB, hinted, Node(NODE, zone))).get("default/web", []) == sentences


@pytest.mark.parametrize(
    ("ports", "offered", "sentences"),
    [
        pytest.param(
            [HTTP, DNS], [("http", TCP), ("", TCP)],
            ["no slice has port dns/UDP: they have (no name)/TCP, http/TCP"], id="E4 one of two",
        ),
        pytest.param(
            [ServicePortSpec("", TCP, 80)], [("http", TCP)],
            ["no slice has port (no name)/TCP: they have http/TCP"], id="E4 without a name",
        ),
        pytest.param([HTTP], [], [], id="E4 no slice at all"),
        pytest.param([ServicePortSpec("x", SCTP, 9)], [("http", TCP)], [], id="E4 SCTP"),
    ],
)  # fmt: skip
def test_E4_port_that_no_slice_knows(
    ports: list[ServicePortSpec], offered: list[tuple[str, object]], sentences: list[str]
) -> None:
    slices = [
        endpoint_slice(f"s-{n}", ["10.0.0.1"], ports=[SlicePort(each, TCP, 8080)])
        for n, (each, _) in enumerate(offered)
    ]
    assert said(state(service("web", *ports), *slices)).get("default/web", []) == sentences


def test_S1_nothing_is_said_of_the_slices_of_ignored_services() -> None:
    hinted = endpoint_slice("web-1", [ready("10.0.0.1", zones="eu-a")], ports=[SlicePort("x", TCP, 1)])
    assert said(state(replace(WEB, headless=True), hinted)) == {}


def test_names_key_the_notes() -> None:
    one = state(replace(service("other/web", DNS)), endpoint_slice("other/web-1", ["10.0.0.1"]))
    one.take()
    assert list(notes(one)) == [name("other/web")]
