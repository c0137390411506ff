"""Entries of ``endpoints``: addresses, conditions, node, hints (rules E2, E3, E5, E6, E10, E11, D7, D8)."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.raw import decoded_slice, endpoint, endpoint_slice, places
from userproxy.model.decode import decode_endpoint_slice
from userproxy.model.endpoints import EndpointSlice, InvalidEndpoint, SliceEndpoint
from userproxy.model.findings import shorten
from userproxy.model.problems import Problem, Severity


def read(*entries: object, family: str = "IPv4") -> tuple[EndpointSlice, tuple[Problem, ...]]:
    return decoded_slice(endpoint_slice(list(entries), addressType=family))


@pytest.mark.parametrize(
    ("address", "family", "canonical"),
    [
        pytest.param("10.0.0.1", "IPv4", "10.0.0.1", id="plain"),
        pytest.param("010.000.000.001", "IPv4", "10.0.0.1", id="D8 leading zeros"),
        pytest.param("::ffff:10.0.0.1", "IPv4", "10.0.0.1", id="D8 mapped counts as IPv4"),
        pytest.param("FD00::0001", "IPv6", "fd00::1", id="D8 canonical IPv6"),
        pytest.param("127.0.0.1", "IPv4", "127.0.0.1", id="loopback is valid here"),
        pytest.param("127.9.9.9", "IPv4", "127.9.9.9", id="all of 127/8 is"),
        pytest.param("::1", "IPv6", "::1", id="loopback IPv6 is valid here"),
        pytest.param("169.254.1.1", "IPv4", "169.254.1.1", id="link-local"),
        pytest.param("223.255.255.255", "IPv4", "223.255.255.255", id="just below multicast"),
        pytest.param("0.0.0.1", "IPv4", "0.0.0.1", id="just above unspecified"),
    ],
)
@pytest.mark.spec("D8", "E2")
def test_D8_E2_good_addresses(address: str, family: str, canonical: str) -> None:
    decoded, problems = read(endpoint(address), family=family)
    assert decoded.endpoints == (SliceEndpoint(canonical, node_name="node-1"),)
    assert (decoded.invalid, problems) == ((), ())


BAD_ADDRESSES = [
    pytest.param("web.example.com", "IPv4", "web.example.com", "not an IP address", "D7", id="host name"),
    pytest.param("", "IPv4", "", "not an IP address", "D7", id="empty"),
    pytest.param("10.0.0.256", "IPv4", "10.0.0.256", "not an IP address", "D7", id="octet too large"),
    pytest.param("10.0.0.1:80", "IPv4", "10.0.0.1:80", "not an IP address", "D7", id="with a port"),
    pytest.param("fe80::1%eth0", "IPv6", "fe80::1%eth0", "not an IP address", "D7", id="with a zone"),
    pytest.param("a\nb", "IPv4", r"a\nb", "not an IP address", "D7", id="control character"),
    pytest.param("9" * 10**6, "IPv4", "9" * 79 + "…", "not an IP address", "D7", id="huge"),
    pytest.param(None, "IPv4", "null", "not an IP address", "D7", id="null"),
    pytest.param(167772161, "IPv4", "167772161", "not an IP address", "D7", id="number"),
    pytest.param(["10.0.0.1"], "IPv4", "list of 1", "not an IP address", "D7", id="list"),
    pytest.param("fd00::1", "IPv4", "fd00::1", "wrong family", "E2", id="E2 IPv6 in an IPv4 slice"),
    pytest.param("FD00::0001", "IPv4", "fd00::1", "wrong family", "E2", id="E2 the same, canonical"),
    pytest.param("10.0.0.1", "IPv6", "10.0.0.1", "wrong family", "E2", id="E2 IPv4 in an IPv6 slice"),
    pytest.param(
        "::ffff:10.0.0.1", "IPv6", "10.0.0.1", "wrong family", "E2", id="D8 mapped in an IPv6 slice"
    ),
    pytest.param("0.0.0.0", "IPv4", "0.0.0.0", "unspecified address", "D7", id="unspecified"),
    pytest.param("000.0.0.0", "IPv4", "0.0.0.0", "unspecified address", "D7", id="unspecified, with zeros"),
    pytest.param("::", "IPv6", "::", "unspecified address", "D7", id="unspecified IPv6"),
    pytest.param("0:0:0:0:0:0:0:0", "IPv6", "::", "unspecified address", "D7", id="unspecified, written out"),
    pytest.param("224.0.0.1", "IPv4", "224.0.0.1", "multicast address", "D7", id="multicast"),
    pytest.param(
        "239.255.255.255", "IPv4", "239.255.255.255", "multicast address", "D7", id="last multicast"
    ),
    pytest.param("ff02::1", "IPv6", "ff02::1", "multicast address", "D7", id="multicast IPv6"),
]


@pytest.mark.parametrize(("address", "family", "shown", "why", "rule"), BAD_ADDRESSES)
@pytest.mark.spec("D7", "E2", "D8")
def test_D7_E2_a_bad_address_drops_that_endpoint_alone(
    address: object, family: str, shown: str, why: str, rule: str
) -> None:
    good = endpoint("10.9.9.9" if family == "IPv4" else "fd99::9")
    decoded, (problem,) = read(good, endpoint(address), family=family)
    assert decoded.endpoints == read(good, family=family)[0].endpoints
    assert decoded.invalid == (InvalidEndpoint(shown, why),)
    assert (problem.field, problem.value) == ("endpoints[1].addresses[0]", shorten(address))
    assert (problem.rule, problem.severity) == (rule, Severity.ERROR)
    assert problem.message == f"{why}; this endpoint is left out"


@pytest.mark.spec("E3")
def test_E3_only_the_first_address_counts() -> None:
    for others in (["10.0.0.2"], ["x", None, 7], []):
        decoded, problems = read(endpoint(addresses=["10.0.0.1", *others]))
        assert [found.address for found in decoded.endpoints] == ["10.0.0.1"]
        assert (decoded.invalid, problems) == ((), ())


@pytest.mark.parametrize(
    ("addresses", "value", "why", "rule"),
    [
        pytest.param(None, "", "no address", "E3", id="null"),
        pytest.param([], "list of 0", "no address", "E3", id="none"),
        pytest.param("10.0.0.1", "10.0.0.1", "addresses are no list", "D7", id="text"),
        pytest.param({"0": "10.0.0.1"}, "object of 1", "addresses are no list", "D7", id="object"),
        pytest.param(7, "7", "addresses are no list", "D7", id="number"),
    ],
)
@pytest.mark.spec("E3", "D7")
def test_E3_an_endpoint_without_an_address_is_skipped(
    addresses: object, value: str, why: str, rule: str
) -> None:
    decoded, problems = read(endpoint("10.0.0.1"), endpoint(addresses=addresses))
    assert [found.address for found in decoded.endpoints] == ["10.0.0.1"]
    assert decoded.invalid == (InvalidEndpoint("", why),)
    assert places(problems) == [("endpoints[1].addresses", value, rule)]


@pytest.mark.parametrize("entry", [None, 7, True, "10.0.0.1", [], ["10.0.0.1"]], ids=repr)
@pytest.mark.spec("D7")
def test_D7_an_entry_that_is_no_object_drops_alone(entry: object) -> None:
    decoded, problems = read(entry, endpoint("10.0.0.1"))
    assert [found.address for found in decoded.endpoints] == ["10.0.0.1"]
    assert decoded.invalid == (InvalidEndpoint("", "not an object"),)
    assert places(problems) == [("endpoints[0]", shorten(entry), "D7")]


@pytest.mark.parametrize(
    ("conditions", "ready", "serving", "terminating"),
    [
        pytest.param(None, True, True, False, id="E5 no conditions"),
        pytest.param({}, True, True, False, id="E5 empty conditions"),
        pytest.param(
            {"ready": None, "serving": None, "terminating": None}, True, True, False, id="E5 all null"
        ),
        pytest.param({"ready": False}, False, True, False, id="E5 serving does not follow ready"),
        pytest.param({"serving": False}, True, False, False, id="E5 ready does not follow serving"),
        pytest.param({"terminating": True}, True, True, True, id="E5 terminating alone"),
        pytest.param(
            {"ready": False, "serving": True, "terminating": True},
            False,
            True,
            True,
            id="serving, terminating",
        ),
        pytest.param(
            {"ready": True, "serving": True, "terminating": False, "new": 7},
            True,
            True,
            False,
            id="unknown one",
        ),
    ],
)
@pytest.mark.spec("E5")
def test_E5_conditions(conditions: object, ready: bool, serving: bool, terminating: bool) -> None:
    decoded, problems = read(endpoint(conditions=conditions))
    assert decoded.endpoints == (SliceEndpoint("10.0.0.1", ready, serving, terminating, "node-1"),)
    assert problems == ()


@pytest.mark.parametrize("name", ["ready", "serving", "terminating"])
@pytest.mark.parametrize("value", [0, 1, "true", "", [], {}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_bad_condition_drops_that_endpoint_alone(name: str, value: object) -> None:
    decoded, problems = read(endpoint("10.0.0.1"), endpoint("10.0.0.2", conditions={name: value}))
    assert [found.address for found in decoded.endpoints] == ["10.0.0.1"]
    assert decoded.invalid == (InvalidEndpoint("10.0.0.2", f"condition {name} is not true or false"),)
    assert places(problems) == [(f"endpoints[1].conditions.{name}", shorten(value), "D7")]


@pytest.mark.parametrize("value", [7, True, "ready", [], [{}]], ids=repr)
@pytest.mark.spec("D7")
def test_D7_conditions_that_are_no_object_drop_that_endpoint_alone(value: object) -> None:
    decoded, problems = read(endpoint("10.0.0.1"), endpoint("10.0.0.2", conditions=value))
    assert [found.address for found in decoded.endpoints] == ["10.0.0.1"]
    assert decoded.invalid == (InvalidEndpoint("10.0.0.2", "conditions are no object"),)
    assert places(problems) == [("endpoints[1].conditions", shorten(value), "D7")]


@pytest.mark.parametrize(("value", "name"), [(None, ""), ("", ""), ("node-7", "node-7"), ("a.b", "a.b")])
@pytest.mark.spec("E6")
def test_E6_node_name(value: object, name: str) -> None:
    decoded, problems = read(endpoint(nodeName=value))
    assert (decoded.endpoints[0].node_name, problems) == (name, ())


@pytest.mark.parametrize("value", [7, 0, True, False, [], {}, "a b", "x\n", "a" * 254], ids=shorten)
@pytest.mark.spec("E6")
def test_E6_a_bad_node_name_is_no_node(value: object) -> None:
    decoded, (problem,) = read(endpoint(nodeName=value))
    assert decoded.endpoints == (SliceEndpoint("10.0.0.1"),)
    assert (problem.field, problem.value) == ("endpoints[0].nodeName", shorten(value))
    assert (problem.rule, problem.severity) == ("E6", Severity.WARNING)


@pytest.mark.parametrize(
    ("hints", "zones", "nodes"),
    [
        pytest.param(None, (), (), id="null"),
        pytest.param({}, (), (), id="none"),
        pytest.param({"forZones": None, "forNodes": None}, (), (), id="null inside"),
        pytest.param({"forZones": [{"name": "eu-1a"}]}, ("eu-1a",), (), id="one zone"),
        pytest.param({"forNodes": [{"name": "node-1"}]}, (), ("node-1",), id="one node"),
        pytest.param(
            {"forZones": [{"name": "b"}, {"name": "a"}, {"name": "b"}], "forNodes": [{"name": "n"}]},
            ("a", "b"),
            ("n",),
            id="E10 order and repetition mean nothing",
        ),
    ],
)
@pytest.mark.spec("T3", "E10")
def test_T3_hints(hints: object, zones: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    decoded, problems = read(endpoint(hints=hints))
    (found,) = decoded.endpoints
    assert (found.zone_hints, found.node_hints, problems) == (zones, nodes, ())


@pytest.mark.parametrize(
    ("hints", "zones", "fields"),
    [
        pytest.param([], (), ["hints"], id="a list"),
        pytest.param("eu-1a", (), ["hints"], id="text"),
        pytest.param({"forZones": "eu-1a"}, (), ["hints.forZones"], id="zones are text"),
        pytest.param({"forZones": {"name": "eu-1a"}}, (), ["hints.forZones"], id="zones are an object"),
        pytest.param({"forZones": ["eu-1a"]}, (), ["hints.forZones[0]"], id="a zone is text"),
        pytest.param(
            {"forZones": [{"name": 7}, {"name": ""}, {}, None, {"name": "a b"}, {"name": "a"}]},
            ("a",),
            [f"hints.forZones[{index}]" for index in range(5)],
            id="bad ones beside a good one",
        ),
        pytest.param(
            {"forNodes": 7, "forZones": [{"name": "a"}]}, ("a",), ["hints.forNodes"], id="nodes only"
        ),
    ],
)
@pytest.mark.spec("T3")
def test_T3_a_bad_hint_is_left_out_and_the_endpoint_serves(
    hints: object, zones: tuple[str, ...], fields: list[str]
) -> None:
    decoded, problems = read(endpoint(hints=hints))
    assert decoded.endpoints == (SliceEndpoint("10.0.0.1", node_name="node-1", zone_hints=zones),)
    assert [problem.field for problem in problems] == [f"endpoints[0].{field}" for field in fields]
    assert all((problem.rule, problem.severity) == ("T3", Severity.WARNING) for problem in problems)


@pytest.mark.parametrize(
    ("entry", "shown"),
    [(None, "null"), ({}, "object of 0"), ({"name": "a b"}, "a b"), ({"name": 7}, "7"), (7, "7")],
)
@pytest.mark.spec("T3")
def test_T3_a_bad_hint_is_shown(entry: object, shown: str) -> None:
    _, problems = read(endpoint(hints={"forNodes": [entry]}))
    assert places(problems) == [("endpoints[0].hints.forNodes[0]", shown, "T3")]


@pytest.mark.parametrize("value", [None, "", "db-0", "0", "a" * 63], ids=shorten)
def test_a_host_name(value: object) -> None:
    decoded, problems = read(endpoint(hostname=value))
    assert (decoded.endpoints[0].hostname, problems) == (value or "", ())


@pytest.mark.parametrize(
    "value", [7, False, [], {}, "DB-0", "db.0", "-db", "db-", "a b", "db\n", "é", "a" * 64], ids=shorten
)
@pytest.mark.spec("D7")
def test_D7_a_bad_host_name_is_left_out_and_the_endpoint_serves(value: object) -> None:
    decoded, (problem,) = read(endpoint(hostname=value))
    assert decoded.endpoints == (SliceEndpoint("10.0.0.1", node_name="node-1"),)
    assert (problem.field, problem.value) == ("endpoints[0].hostname", shorten(value))
    assert (problem.rule, problem.severity) == ("D7", Severity.WARNING)


def target(**fields: object) -> dict[str, object]:
    return {"kind": "Pod", "namespace": "default", "name": "web-0", **fields}


@pytest.mark.parametrize(
    ("value", "pod"),
    [
        pytest.param(None, "", id="none"),
        pytest.param(target(), "web-0", id="a Pod"),
        pytest.param(target(namespace=None), "web-0", id="without a namespace"),
        pytest.param(target(namespace=""), "web-0", id="an empty namespace"),
        pytest.param(target(name="web.0-x.y"), "web.0-x.y", id="a subdomain"),
        pytest.param(target(name="a" * 253), "a" * 253, id="the longest"),
        pytest.param(target(uid="u", apiVersion="v1", fieldPath="x"), "web-0", id="with more"),
        pytest.param(target(kind="Node"), "", id="another kind"),
        pytest.param({"kind": "VirtualMachineInstance", "name": 7}, "", id="any other kind"),
        pytest.param({}, "", id="empty"),
    ],
)
def test_the_pod_behind_an_endpoint(value: object, pod: str) -> None:
    decoded, problems = read(endpoint(targetRef=value))
    assert (decoded.endpoints[0].pod, problems) == (pod, ())


@pytest.mark.parametrize(
    ("value", "field", "shown"),
    [
        pytest.param("web-0", "", "web-0", id="text"),
        pytest.param([], "", "list of 0", id="a list"),
        pytest.param({"kind": "Pod"}, ".name", "", id="no name"),
        pytest.param(target(name=""), ".name", "", id="an empty name"),
        pytest.param(target(name=7), ".name", "7", id="a number"),
        pytest.param(target(name="../web-0"), ".name", "../web-0", id="a path"),
        pytest.param(target(name="a/b"), ".name", "a/b", id="a slash"),
        pytest.param(target(name="a?b"), ".name", "a?b", id="a query"),
        pytest.param(target(name="Web-0"), ".name", "Web-0", id="upper case"),
        pytest.param(target(name="web-0\n"), ".name", r"web-0\n", id="a line"),
        pytest.param(target(name="a" * 254), ".name", "a" * 79 + "…", id="too long"),
        pytest.param(target(namespace="other"), ".namespace", "other", id="of another namespace"),
        pytest.param(target(namespace=7), ".namespace", "7", id="a namespace that is none"),
    ],
)
@pytest.mark.spec("D7")
def test_D7_a_bad_target_is_no_pod_and_the_endpoint_serves(value: object, field: str, shown: str) -> None:
    decoded, (problem,) = read(endpoint(targetRef=value))
    assert decoded.endpoints == (SliceEndpoint("10.0.0.1", node_name="node-1"),)
    assert (problem.field, problem.value) == (f"endpoints[0].targetRef{field}", shown)
    assert (problem.rule, problem.severity) == ("D7", Severity.WARNING)
    assert problem.message.endswith("the endpoint counts as having no Pod")


SEVERAL = [
    endpoint("10.0.0.2"),
    endpoint("10.0.0.1", hostname="b"),
    endpoint("10.0.0.1", targetRef=target()),
    endpoint("10.0.0.1", conditions={"ready": False}),
    endpoint("10.0.0.1", conditions={"terminating": True}),
    endpoint("10.0.0.1", nodeName="node-2"),
    endpoint("web"),
]


@pytest.mark.spec("E10", "E11")
def test_E10_E11_order_alone_is_no_change() -> None:
    values = {decoded_slice(endpoint_slice(list(order)))[0] for order in permutations(SEVERAL)}
    (value,) = values
    assert [found.address for found in value.endpoints] == [*["10.0.0.1"] * 5, "10.0.0.2"]
    assert [found.terminating for found in value.endpoints] == [*[False] * 4, True, False]


ENTRIES = st.builds(
    endpoint,
    st.sampled_from(["10.0.0.1", "10.0.0.2", "010.0.0.2", "web", "fd00::1", None]),
    conditions=st.sampled_from([None, {"ready": False}, {"terminating": True}, {"serving": 7}]),
    nodeName=st.sampled_from([None, "node-1", "node-2"]),
    hints=st.sampled_from([None, {"forZones": [{"name": "a"}]}, {"forNodes": [{"name": "n"}]}]),
    hostname=st.sampled_from([None, "a", "b", "A"]),
    targetRef=st.sampled_from([None, target(), target(name="web-1"), target(kind="Node")]),
)


@given(st.lists(ENTRIES, max_size=8), st.randoms(use_true_random=False))
@settings(deadline=None)
@pytest.mark.spec("E10", "E11")
def test_E11_any_order_of_any_entries_gives_an_equal_slice(entries: list[object], random: Random) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert decoded_slice(endpoint_slice(shuffled))[0] == decoded_slice(endpoint_slice(entries))[0]


@given(st.lists(ENTRIES, max_size=6), st.integers(0, 6))
@settings(deadline=None)
@pytest.mark.spec("D7")
def test_D7_a_bad_entry_among_any_others_changes_nothing_else(entries: list[object], position: int) -> None:
    expected, before = decoded_slice(endpoint_slice(entries))
    more = [*entries[:position], {"addresses": [{}]}, *entries[position:]]
    decoded, after = decoded_slice(endpoint_slice(more))
    assert decoded.endpoints == expected.endpoints
    assert decoded.ports == expected.ports
    assert len(decoded.invalid) == len(expected.invalid) + 1
    assert len(after) == len(before) + 1


def test_decoding_does_not_touch_the_raw_object() -> None:
    raw = endpoint_slice(SEVERAL)
    twice = decode_endpoint_slice(raw), decode_endpoint_slice(raw)
    assert twice[0] == twice[1]
    assert raw == endpoint_slice(SEVERAL)
