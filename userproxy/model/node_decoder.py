"""A Node from its raw JSON (section N)."""

from __future__ import annotations

from collections.abc import Callable

from userproxy.model.addresses import parse_cidr, parse_ip
from userproxy.model.events import Rejected, Upsert
from userproxy.model.fields import Fields, is_object
from userproxy.model.findings import Findings
from userproxy.model.metadata import Metadata, is_plain, open_object, read_label, read_metadata
from userproxy.model.names import Family
from userproxy.model.node import Node

__all__ = ["decode_node"]

_ZONE = "topology.kubernetes.io/zone"
_INTERNAL_IP = "InternalIP"
_EXTERNAL_IP = "ExternalIP"


def decode_node(raw: object, *, origin: str = "") -> Upsert | Rejected:
    """The Node that ``raw`` says, or why it is refused whole (rule D7). Never raises.

    ``kind`` and ``apiVersion`` may be absent, as in a list of the API server.
    """
    top = open_object(raw, "Node", origin)
    findings = top.findings
    if findings.refused:
        return findings.reject()
    metadata = read_metadata(top, cluster_wide=True)
    addresses = _read_addresses(top)
    node = Node(
        metadata.name,
        _read_zone(metadata, findings),
        tuple(addresses[_INTERNAL_IP]),
        tuple(addresses[_EXTERNAL_IP]),
        _read_pod_cidrs(top.section("spec")),
    )
    return findings.outcome(node)


def _read_zone(metadata: Metadata, findings: Findings) -> str:
    zone = read_label(metadata, _ZONE, findings) or ""
    if zone and not is_plain(zone):
        findings.warn(f"metadata.labels[{_ZONE}]", zone, "is no name of a zone; no zone is used", rule="T4")
        return ""
    return zone


def _read_addresses(top: Fields) -> dict[str, dict[str, None]]:
    """Internal and external addresses by type, each once and in their order (rule N3)."""
    found: dict[str, dict[str, None]] = {_INTERNAL_IP: {}, _EXTERNAL_IP: {}}
    status = top.section("status")
    path = status.path("addresses")
    for index, entry in enumerate(status.entries("addresses")):
        if not is_object(entry):
            top.findings.error(f"{path}[{index}]", entry, "must be an object; it is left out", rule="N3")
            continue
        # Host names are addresses of a Node too.
        kind = entry.get("type")
        if isinstance(kind, str) and kind in found:
            address = _parsed(
                parse_ip, entry.get("address"), f"{path}[{index}].address", "an IP address", top.findings
            )
            if address:
                found[kind][address] = None
    return found


def _read_pod_cidrs(spec: Fields) -> tuple[str, ...]:
    """``podCIDRs``, else ``podCIDR`` (rule N4)."""
    entries = [
        (f"{spec.path('podCIDRs')}[{index}]", entry) for index, entry in enumerate(spec.entries("podCIDRs"))
    ]
    if not entries and spec.raw("podCIDR") not in (None, ""):
        entries = [(spec.path("podCIDR"), spec.raw("podCIDR"))]
    cidrs = (_parsed(parse_cidr, entry, path, "a CIDR", spec.findings) for path, entry in entries)
    return tuple(dict.fromkeys(cidr for cidr in cidrs if cidr))


def _parsed(
    parse: Callable[[str], tuple[Family, str]], value: object, path: str, what: str, findings: Findings
) -> str:
    """The canonical text, or "" and a problem."""
    if isinstance(value, str):
        try:
            return parse(value)[1]
        except ValueError:
            pass
    findings.error(path, value, f"is not {what}; it is left out", rule="D8")
    return ""
