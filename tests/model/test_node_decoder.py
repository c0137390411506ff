"""A Node: zone, addresses, podCIDRs (rules N3, N4, T4)."""

from __future__ import annotations

import pytest

from tests.model.raw import decoded_node, node, refusal
from userproxy.model.decode import decode_node
from userproxy.model.node import Node

ZONE = "topology.kubernetes.io/zone"


def address(kind: object, text: object) -> dict[str, object]:
    return {"type": kind, "address": text}


def test_a_full_node() -> None:
    raw = node(
        metadata={
            "name": "node-1.example.com",
            "labels": {ZONE: "eu-1a", "kubernetes.io/hostname": "node-1"},
        },
        spec={"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", "fd00:10:244:1::/64"], "taints": []},
        status={
            "addresses": [
                address("Hostname", "node-1"),
                address("ExternalIP", "192.0.2.1"),
                address("InternalIP", "10.0.0.1"),
                address("InternalIP", "FD00::1"),
                address("ExternalDNS", "node-1.example.com"),
            ],
            "capacity": {"cpu": "8"},
        },
    )
    decoded, problems = decoded_node(raw)
    assert problems == ()
    assert decoded == Node(
        "node-1.example.com",
        zone="eu-1a",
        internal_ips=("10.0.0.1", "fd00::1"),
        external_ips=("192.0.2.1",),
        pod_cidrs=("10.244.1.0/24", "fd00:10:244:1::/64"),
    )


@pytest.mark.parametrize("raw", [{}, {"spec": None, "status": None}, {"spec": {}, "status": {}}], ids=repr)
def test_the_least_node(raw: dict[str, object]) -> None:
    metadata = {"name": "node-1", "labels": None}
    assert decoded_node({"kind": "Node", "apiVersion": "v1", "metadata": metadata, **raw}) == (
        Node("node-1"),
        (),
    )


@pytest.mark.parametrize(
    ("labels", "zone"),
    [({ZONE: "eu-1a"}, "eu-1a"), ({ZONE: ""}, ""), ({ZONE: None}, ""), ({}, ""), ({"zone": "x"}, "")],
)
@pytest.mark.spec("T4")
def test_T4_zone(labels: dict[str, object], zone: str) -> None:
    decoded, problems = decoded_node(node(metadata={"labels": labels}))
    assert (decoded.zone, problems) == (zone, ())


@pytest.mark.parametrize("value", ["a b", "x\n", "a" * 254])
@pytest.mark.spec("T4")
def test_T4_a_strange_zone_is_none(value: str) -> None:
    decoded, (problem,) = decoded_node(node(metadata={"labels": {ZONE: value}}))
    assert decoded == Node("node-1")
    assert (problem.field, problem.rule) == (f"metadata.labels[{ZONE}]", "T4")


@pytest.mark.spec("D7")
def test_D7_a_zone_that_is_no_text_refuses_the_node() -> None:
    problems = refusal(decode_node(node(metadata={"labels": {ZONE: 7}})))
    assert [problem.field for problem in problems] == [f"metadata.labels[{ZONE}]"]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (None, "[0]"),
        ("10.0.0.9", "[0]"),
        ([], "[0]"),
        (address("InternalIP", None), "[0].address"),
        (address("InternalIP", ""), "[0].address"),
        (address("InternalIP", "node-1"), "[0].address"),
        (address("ExternalIP", 7), "[0].address"),
        (address("ExternalIP", "10.0.0.300"), "[0].address"),
    ],
)
@pytest.mark.spec("N3")
def test_N3_a_bad_address_is_left_out_alone(entry: object, field: str) -> None:
    good = [address("InternalIP", "10.0.0.1"), address("ExternalIP", "192.0.2.1")]
    decoded, (problem,) = decoded_node(node(status={"addresses": [entry, *good]}))
    assert decoded == Node("node-1", internal_ips=("10.0.0.1",), external_ips=("192.0.2.1",))
    assert problem.field == f"status.addresses{field}"


@pytest.mark.parametrize("kind", [None, 7, [], "internalip", "Hostname", "InternalDNS"], ids=repr)
@pytest.mark.spec("N3")
def test_N3_other_kinds_of_address_are_not_read(kind: object) -> None:
    status = {"addresses": [address(kind, "node-1")]}
    assert decoded_node(node(status=status)) == (Node("node-1"), ())


@pytest.mark.spec("N3")
def test_N3_addresses_keep_their_order_each_once() -> None:
    texts = ["10.0.0.2", "fd00::2", "10.0.0.1", "010.0.0.2", "FD00::2"]
    status = {"addresses": [address("InternalIP", text) for text in texts]}
    decoded, problems = decoded_node(node(status=status))
    assert (decoded.internal_ips, problems) == (("10.0.0.2", "fd00::2", "10.0.0.1"), ())


@pytest.mark.parametrize(
    ("spec", "cidrs", "fields"),
    [
        pytest.param({"podCIDR": "10.244.1.9/24"}, ("10.244.1.0/24",), [], id="podCIDR alone, canonical"),
        pytest.param({"podCIDRs": ["10.244.1.0/24"]}, ("10.244.1.0/24",), [], id="podCIDRs alone"),
        pytest.param(
            {"podCIDR": "10.9.0.0/24", "podCIDRs": ["10.244.1.0/24"]},
            ("10.244.1.0/24",),
            [],
            id="podCIDRs win",
        ),
        pytest.param({"podCIDR": "", "podCIDRs": []}, (), [], id="empty"),
        pytest.param({"podCIDR": "x"}, (), ["spec.podCIDR"], id="bad podCIDR"),
        pytest.param({"podCIDR": 7}, (), ["spec.podCIDR"], id="podCIDR no text"),
        pytest.param(
            {"podCIDRs": ["10.244.1.0", None, "10.244.1.0/24"]},
            ("10.244.1.0/24",),
            ["spec.podCIDRs[0]", "spec.podCIDRs[1]"],
            id="bad ones among podCIDRs",
        ),
    ],
)
@pytest.mark.spec("N4", "D8")
def test_N4_pod_cidrs(spec: object, cidrs: tuple[str, ...], fields: list[str]) -> None:
    decoded, problems = decoded_node(node(spec=spec))
    assert decoded.pod_cidrs == cidrs
    assert [problem.field for problem in problems] == fields


@pytest.mark.parametrize("value", [7, "x", True, []], ids=repr)
def test_a_spec_or_status_that_is_no_object_is_left_out(value: object) -> None:
    decoded, problems = decoded_node(node(spec=value, status=value))
    assert decoded == Node("node-1")
    assert [problem.field for problem in problems] == ["status", "spec"]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (node(status={"addresses": {}}), "status.addresses"),
        (node(spec={"podCIDRs": "10.244.1.0/24"}), "spec.podCIDRs"),
    ],
)
@pytest.mark.spec("D7")
def test_D7_a_list_that_is_no_list_refuses_the_node(raw: object, field: str) -> None:
    assert [problem.field for problem in refusal(decode_node(raw))] == [field]


def test_what_a_proxy_does_not_read_gives_an_equal_value() -> None:
    changed = node(
        metadata={"resourceVersion": "9", "annotations": {"a": "b"}, "labels": {"a": "b"}},
        spec={"unschedulable": True},
        status={"conditions": [{"type": "Ready", "lastHeartbeatTime": "2024-05-01T12:00:00Z"}], "images": []},
    )
    assert decode_node(changed) == decode_node(node())
