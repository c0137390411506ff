"""The way in: dispatch by kind, and what holds for any input whatever."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.raw import endpoint, endpoint_slice, node, places, port, refusal, service
from userproxy.model.decode import (
    API_VERSIONS,
    Decoder,
    decode,
    decode_endpoint_slice,
    decode_node,
    decode_service,
    object_ref,
)
from userproxy.model.endpoints import EndpointSlice
from userproxy.model.events import Rejected, Upsert
from userproxy.model.findings import MAX_PROBLEMS, shorten
from userproxy.model.metadata import UNNAMED
from userproxy.model.names import ObjectRef
from userproxy.model.node import Node
from userproxy.model.service import Service

FULL_SERVICE = service(
    metadata={
        "annotations": {"userproxy.dev/hold": "1s", "userproxy.dev/hold.http": "2s"},
        "labels": {"service.kubernetes.io/service-proxy-name": "x"},
        "creationTimestamp": "2024-05-01T12:00:00Z",
    },
    type="LoadBalancer",
    clusterIPs=["10.96.0.1", "fd00::1"],
    ipFamilies=["IPv4", "IPv6"],
    ports=[port(nodePort=30080), port(53, "dns", "UDP")],
    sessionAffinity="ClientIP",
    sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
    internalTrafficPolicy="Local",
    externalTrafficPolicy="Local",
    allocateLoadBalancerNodePorts=False,
    externalIPs=["192.0.2.1"],
    loadBalancerSourceRanges=["198.51.100.0/24"],
    healthCheckNodePort=30999,
    status={"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "VIP"}]}},
)
FULL_SLICE = endpoint_slice(
    [
        endpoint("10.0.0.1", hints={"forZones": [{"name": "a"}], "forNodes": [{"name": "n"}]}),
        endpoint("10.0.0.2"),
    ],
    ports=[port(8080), port(53, "dns", "UDP")],
)
FULL_NODE = node(
    metadata={"labels": {"topology.kubernetes.io/zone": "a"}},
    spec={"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]},
    status={"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]},
)
FULL = [FULL_SERVICE, FULL_SLICE, FULL_NODE]


@pytest.mark.parametrize(
    ("raw", "decoder", "value"),
    [
        (FULL_SERVICE, decode_service, Service),
        (FULL_SLICE, decode_endpoint_slice, EndpointSlice),
        (FULL_NODE, decode_node, Node),
    ],
    ids=["Service", "EndpointSlice", "Node"],
)
def test_an_object_is_decoded_by_its_kind(raw: object, decoder: Decoder, value: type) -> None:
    event = decode(raw, origin="web.yaml")
    assert isinstance(event, Upsert)
    assert isinstance(event.object, value)
    assert event.problems == ()
    assert event == decoder(raw, origin="web.yaml")
    assert event.object.ref == object_ref(raw)


@pytest.mark.parametrize(
    "raw",
    [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}},
        {"apiVersion": "apps/v1", "kind": "Deployment"},
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web"}},
        {"apiVersion": "v1", "kind": "List", "items": []},
        {"apiVersion": "v1", "kind": "ServiceList", "items": []},
        {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": 7},
        {"kind": "service"},
        {"kind": "x" * 10**6},
    ],
    ids=lambda raw: raw["kind"][:20],
)
@pytest.mark.spec("D3")
def test_D3_kinds_that_are_not_read_are_none(raw: object) -> None:
    assert decode(raw) is None


@pytest.mark.parametrize("kind", sorted(API_VERSIONS))
@pytest.mark.parametrize("version", ["v2", "discovery.k8s.io/v1beta1", "", 1, [], {}], ids=repr)
@pytest.mark.spec("D3")
def test_D3_an_unknown_api_version_of_a_known_kind_is_an_error(kind: str, version: object) -> None:
    (problem,) = refusal(decode({"apiVersion": version, "kind": kind, "metadata": {"name": "web"}}))
    assert (problem.field, problem.rule) == ("apiVersion", "D3")
    assert API_VERSIONS[kind] in problem.message


@pytest.mark.parametrize("kind", sorted(API_VERSIONS))
@pytest.mark.spec("D3")
def test_D3_a_missing_api_version_is_an_error(kind: str) -> None:
    for raw in ({"kind": kind}, {"kind": kind, "apiVersion": None}):
        assert places(refusal(decode(raw))) == [("apiVersion", "", "D3")]


@pytest.mark.parametrize("raw", [None, 7, 0, True, 1.5, "", "kind: Service", [], [{}], ()], ids=repr)
@pytest.mark.spec("D7")
def test_D7_what_is_no_object_is_refused(raw: object) -> None:
    event = decode(raw, origin="web.yaml, document 2")
    assert isinstance(event, Rejected)
    assert event.ref == ObjectRef("object", "", UNNAMED)
    (problem,) = event.problems
    assert str(problem).startswith("web.yaml, document 2: object (unnamed)")


@pytest.mark.parametrize("kind", [None, "", 7, True, [], {}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_an_object_without_a_kind_is_refused(kind: object) -> None:
    event = decode({"apiVersion": "v1", "kind": kind, "metadata": {"name": "web"}})
    assert places(refusal(event)) == [("kind", "" if kind is None else shorten(kind), "D7")]


def test_every_problem_says_where_the_object_came_from() -> None:
    raw = service(ports=[port(0)], externalIPs=["x"], type="y")
    problems = refusal(decode(raw, origin="web.yaml, document 2"))
    assert len(problems) == 3
    assert {problem.origin for problem in problems} == {"web.yaml, document 2"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def paths(raw: object, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a raw object, itself included."""
    found = [prefix]
    if isinstance(raw, dict):
        for key, value in raw.items():
            found += paths(value, (*prefix, key))
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            found += paths(value, (*prefix, index))
    return found


def replaced(raw: object, path: tuple[str | int, ...], value: object) -> object:
    """A copy of ``raw`` with ``value`` at ``path``."""
    if not path:
        return value
    result = copy.deepcopy(raw)
    inner: object = result
    for step in path[:-1]:
        inner = inner[step]  # type: ignore[index]  # paths() found it, so it is there
    inner[path[-1]] = value  # type: ignore[index]  # as above
    return result


def check(event: Upsert | Rejected | None, raw: object) -> None:
    """What must hold of the outcome for any input."""
    if event is None:
        return
    ref = event.ref if isinstance(event, Rejected) else event.object.ref
    assert ref == object_ref(raw, ref.kind if ref.kind in API_VERSIONS else "")
    assert len(event.problems) <= MAX_PROBLEMS + 1
    for problem in event.problems:
        assert problem.object == ref
        assert str(problem).isprintable()
        assert len(problem.value) <= 80
        assert len(str(problem)) < 1000
        assert problem.message
    if isinstance(event, Rejected):
        assert event.problems
    else:
        assert hash(event) == hash(event)


@given(JSON)
@settings(max_examples=200, deadline=None)
@pytest.mark.spec("D7")
def test_D7_any_json_is_decoded_or_refused(raw: object) -> None:
    check(decode(raw), raw)
    for decoder in (decode_service, decode_endpoint_slice, decode_node):
        check(decoder(raw), raw)


@given(st.sampled_from(FULL), st.data())
@settings(max_examples=400, deadline=None)
@pytest.mark.spec("D7")
def test_D7_any_json_anywhere_in_a_good_object_is_decoded_or_refused(
    raw: object, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths(raw)))
    broken = replaced(raw, path, data.draw(JSON))
    before = repr(broken)
    check(decode(broken), broken)
    assert repr(broken) == before, "decoding must not change the raw object"


HOSTILE: list[object] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x",
    "\n\ud800",
    "y" * 10**5,
    [],
    [None],
    {},
    {"a": 1},
]


@pytest.mark.parametrize("raw", FULL, ids=["Service", "EndpointSlice", "Node"])
@pytest.mark.spec("D7")
def test_D7_every_place_with_every_hostile_value(raw: object) -> None:
    for path in paths(raw):
        for value in HOSTILE:
            broken = replaced(raw, path, value)
            check(decode(broken), broken)


# A bad value at one of these places must leave the value of everything else as it was.
INDEPENDENT = [
    pytest.param(FULL_SERVICE, ("spec", "externalIPs"), "external_ips", id="external IPs"),
    pytest.param(FULL_SERVICE, ("spec", "loadBalancerSourceRanges"), "source_ranges", id="source ranges"),
    pytest.param(FULL_SERVICE, ("status", "loadBalancer", "ingress"), "load_balancer_ips", id="VIPs"),
    pytest.param(FULL_SLICE, ("endpoints",), "endpoints", id="endpoints"),
    pytest.param(FULL_SLICE, ("ports",), "ports", id="slice ports"),
    pytest.param(FULL_NODE, ("spec", "podCIDRs"), "pod_cidrs", id="pod CIDRs"),
    pytest.param(FULL_NODE, ("status", "addresses"), "internal_ips", id="node addresses"),
]


@pytest.mark.parametrize(("raw", "path", "field"), INDEPENDENT)
@given(st.sampled_from([7, None, True, "x y", [], ["x"], {"ip": 7, "address": 7, "type": "InternalIP"}]))
@settings(deadline=None)
@pytest.mark.spec("D7", "S3")
def test_D7_S3_a_bad_entry_changes_nothing_else(
    raw: dict[str, object], path: tuple[str, ...], field: str, bad: object
) -> None:
    entries: object = raw
    for step in path:
        assert isinstance(entries, dict)
        entries = entries[step]
    assert isinstance(entries, list)
    good, broken = decode(raw), decode(replaced(raw, path, [bad, *entries]))
    assert isinstance(good, Upsert)
    assert isinstance(broken, Upsert)
    assert good.problems == ()
    assert len(broken.problems) == 1
    for name in type(good.object).__slots__:
        if name != "invalid":
            assert getattr(broken.object, name) == getattr(good.object, name), name
    assert getattr(good.object, field), "the good object must show that something is kept"


def test_a_decoded_object_survives_a_round_through_json() -> None:
    for raw in FULL:
        assert decode(json.loads(json.dumps(raw))) == decode(raw)
