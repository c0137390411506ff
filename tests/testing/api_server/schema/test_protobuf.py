"""Protobuf envelopes: what kubectl sends for what it creates itself, and bytes that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.testing.api_server.schema.protobuf import BadProtobuf
from userproxy.testing.api_server.schema.protobuf_kinds import decode_object


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def data(field: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(content)) + content


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return (
        b"k8s\x00" + data(1, data(1, api_version) + data(2, kind)) + data(2, raw) + data(3, "") + data(4, "")
    )


def pair(field: int, key: str, value: str) -> bytes:
    return data(field, data(1, key) + data(2, value))


def test_a_service_decodes_to_what_json_would_have_been() -> None:
    port = (
        data(1, "http")
        + data(2, "TCP")
        + number(3, 80)
        + data(4, number(1, 0) + number(2, 8080) + data(3, ""))
    )
    named = (
        data(1, "dns")
        + data(2, "UDP")
        + number(3, 53)
        + data(4, number(1, 1) + number(2, 0) + data(3, "dns"))
    )
    spec = data(1, port) + data(1, named) + pair(2, "app", "web") + pair(2, "tier", "b") + data(3, "")
    spec += data(4, "LoadBalancer") + data(7, "ClientIP") + data(14, data(1, number(1, 30))) + number(12, 0)
    spec += number(20, 0) + data(19, "IPv4") + data(19, "IPv6")
    metadata = data(1, "web") + data(2, "") + pair(11, "a", "b") + data(8, b"") + number(7, 0)
    raw = data(1, metadata) + data(2, spec) + data(3, data(1, b""))
    assert decode_object(envelope("v1", "Service", raw)) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {"a": "b"}},
        "spec": {
            "ports": [
                {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080},
                {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": "dns"},
            ],
            "selector": {"app": "web", "tier": "b"},
            "type": "LoadBalancer",
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 30}},
            "allocateLoadBalancerNodePorts": False,
            "ipFamilies": ["IPv4", "IPv6"],
        },
    }


def test_negative_numbers_keep_their_sign_and_unknown_fields_are_skipped() -> None:
    skipped = number(99, 1) + data(98, b"x") + varint(97 << 3 | 1) + bytes(8) + varint(96 << 3 | 5) + bytes(4)
    port = number(3, -1) + skipped
    raw = data(2, data(1, port)) + skipped
    assert decode_object(envelope("v1", "Service", raw))["spec"] == {"ports": [{"port": -1}]}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"kind":"Service"}', id="JSON"),
        pytest.param(b"k8s\x00", id="no kind"),
        pytest.param(envelope("v1", "Node", b""), id="a kind that is not taken"),
        pytest.param(envelope("v1", "Namespace", b"\x0a\x7f"), id="ends in a field"),
        pytest.param(envelope("v1", "Namespace", b"\x0a"), id="ends in a length"),
        pytest.param(envelope("v1", "Namespace", b"\x0b"), id="wire type that is gone"),
        pytest.param(envelope("v1", "Namespace", number(1, 5)), id="number for a message"),
        pytest.param(envelope("v1", "Namespace", data(1, data(1, b"\xff"))), id="name that is no text"),
        pytest.param(envelope("v1", "Service", data(2, data(1, data(3, b"80")))), id="text for a number"),
        pytest.param(envelope("v1", "Namespace", b"\xff" * 11), id="endless number"),
    ],
)
def test_what_is_no_such_message_is_refused(content: bytes) -> None:
    with pytest.raises(BadProtobuf):
        decode_object(content)


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    try:
        decoded = decode_object(envelope("v1", "Service", raw))
    except BadProtobuf:
        return
    assert decoded["kind"] == "Service"
