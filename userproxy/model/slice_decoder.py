"""An EndpointSlice from its raw JSON (section E).

Endpoints, ports and hints are kept in one order, whatever the order in the object: order alone is no
change (rules E10, E11).
"""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.model.endpoints import EndpointSlice, InvalidEndpoint, SliceEndpoint, SlicePort
from userproxy.model.events import Rejected, Upsert
from userproxy.model.fields import Fields, is_object
from userproxy.model.findings import Findings
from userproxy.model.metadata import Metadata, is_dns_label, open_object, read_label, read_metadata
from userproxy.model.names import FAMILIES, PROTOCOLS, Family, Protocol
from userproxy.model.service_ports import port_number
from userproxy.model.slice_endpoints import read_endpoints

__all__ = ["MAX_ENDPOINTS", "decode_endpoint_slice"]

MAX_ENDPOINTS = 1000
"""What the API server allows in one slice (discovery.k8s.io/v1); more are served, with a warning."""

_SERVICE_NAME = "kubernetes.io/service-name"
_HEADLESS = "service.kubernetes.io/headless"
_FQDN = "FQDN"
_LEFT_OUT = "this port is left out"


def decode_endpoint_slice(raw: object, *, origin: str = "") -> Upsert | Rejected:
    """The slice that ``raw`` says, or why it is refused whole (rule D7). Never raises.

    ``kind`` and ``apiVersion`` may be absent, as in a list of the API server. Null or absent ports and
    endpoints are none (rule E13).
    """
    top = open_object(raw, "EndpointSlice", origin)
    findings = top.findings
    if findings.refused:
        return findings.reject()
    metadata = read_metadata(top)
    headless = _HEADLESS in metadata.labels
    service_name = _read_service_name(metadata, headless, findings)
    family = _read_address_type(top)
    port_entries = top.entries("ports")
    endpoint_entries = top.entries("endpoints")
    endpoints: tuple[SliceEndpoint, ...] = ()
    invalid: tuple[InvalidEndpoint, ...] = ()
    if family is not None:
        endpoints, invalid = read_endpoints(endpoint_entries, family, metadata.namespace, findings)
    if len(endpoint_entries) > MAX_ENDPOINTS:
        message = f"has more than the {MAX_ENDPOINTS} entries that an API server allows; all are served"
        findings.warn("endpoints", endpoint_entries, message, rule="")
    return findings.outcome(
        EndpointSlice(
            metadata.namespace,
            metadata.name,
            service_name,
            family,
            _read_ports(port_entries, findings),
            endpoints,
            invalid,
            headless,
        )
    )


def _read_service_name(metadata: Metadata, headless: bool, findings: Findings) -> str:
    """The Service that the slice belongs to, "" for none (rule E1)."""
    name = read_label(metadata, _SERVICE_NAME, findings)
    if name and is_dns_label(name):
        return name
    if not headless and not findings.refused:
        problem = "is no name of a Service" if name else "is missing"
        message = f"{problem}; the slice belongs to no Service"
        findings.warn(f"metadata.labels[{_SERVICE_NAME}]", name or "", message, rule="E1")
    return ""


def _read_address_type(top: Fields) -> Family | None:
    """The family, None for FQDN (rule E2); anything else refuses the slice."""
    value = top.raw("addressType")
    family = FAMILIES.get(value) if isinstance(value, str) else None
    if family is not None:
        return family
    if value is None or value == "":
        top.findings.refuse("addressType", "", "is missing; it must be IPv4, IPv6 or FQDN", rule="D2")
    elif value != _FQDN:
        top.findings.refuse("addressType", value, "must be IPv4, IPv6 or FQDN; the slice is refused")
    return None


def _read_ports(entries: Sequence[object], findings: Findings) -> tuple[SlicePort, ...]:
    """The numbered ports, each once and in order; a bad one is left out alone (rules D7, E4)."""
    found = [_read_port(entry, f"ports[{index}]", findings) for index, entry in enumerate(entries)]
    return tuple(sorted({port for port in found if port is not None}))


def _read_port(entry: object, path: str, findings: Findings) -> SlicePort | None:
    if not is_object(entry):
        findings.error(path, entry, f"must be an object; {_LEFT_OUT}")
        return None
    name = entry.get("name")
    if name is None:
        findings.error(f"{path}.name", "", f"is missing; {_LEFT_OUT}", rule="E4")
        return None
    if not isinstance(name, str) or (name and not is_dns_label(name)):
        findings.error(f"{path}.name", name, f"must be a DNS label; {_LEFT_OUT}")
        return None
    protocol = entry.get("protocol")
    if protocol is None or protocol == "":
        protocol = Protocol.TCP
    known = PROTOCOLS.get(protocol) if isinstance(protocol, str) else None
    if known is None:
        findings.error(f"{path}.protocol", protocol, f"must be TCP, UDP or SCTP; {_LEFT_OUT}")
        return None
    number = entry.get("port")
    if number is None or (number == 0 and not isinstance(number, bool)):
        # A null number is the API's "all ports", which a port of a Service cannot be matched with.
        findings.error(
            f"{path}.port", "" if number is None else number, f"has no number; {_LEFT_OUT}", rule="E4"
        )
        return None
    port = port_number(number)
    if port is None:
        findings.error(f"{path}.port", number, f"must be a number from 1 to 65535; {_LEFT_OUT}")
        return None
    return SlicePort(name, known, port)
