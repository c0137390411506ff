"""``spec.ports`` of a Service: any bad entry refuses the Service whole (rules D5, D7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from userproxy.model.annotations import read_options
from userproxy.model.fields import Fields, is_object
from userproxy.model.findings import Findings
from userproxy.model.metadata import is_dns_label
from userproxy.model.names import PROTOCOLS, Protocol
from userproxy.model.service import PortOptions, ServicePortSpec, ServiceType

__all__ = ["port_number", "read_service_ports"]

_MAX_PORT = 65535
_REFUSED = "the Service is refused"
_WITH_NODE_PORTS = frozenset({ServiceType.NODE_PORT, ServiceType.LOAD_BALANCER})


def read_service_ports(
    spec: Fields, service_type: ServiceType, annotations: Mapping[str, object], *, required: bool
) -> tuple[ServicePortSpec, ...]:
    """The ports in their order, with the options that ``annotations`` give to each.

    ``required`` is False for headless and ExternalName Services, which may have none (rule D5).
    """
    findings = spec.findings
    path = spec.path("ports")
    found = [_read_port(entry, path, index, findings) for index, entry in enumerate(spec.entries("ports"))]
    ports = [port for port in found if port is not None]
    if len(ports) == len(found) > 1:
        _check_distinct(ports, path, findings)
    if required and spec.raw("ports") in (None, [], ()):
        findings.refuse(path, "", "must have at least one port; the Service is refused", rule="D5")
    options = read_options(annotations, [port.name for port in ports], findings)
    return tuple(
        [
            _finished(port, options[port.name], service_type, path, index, findings)
            for index, port in enumerate(ports)
        ]
    )


def _finished(
    port: ServicePortSpec,
    options: PortOptions,
    service_type: ServiceType,
    ports_path: str,
    index: int,
    findings: Findings,
) -> ServicePortSpec:
    """``port`` with its options, and without a node port where the type has none."""
    node_port = port.node_port
    if node_port is None and port.protocol is not Protocol.SCTP and options == port.options:
        return port
    path = f"{ports_path}[{index}]"
    if node_port is not None and service_type not in _WITH_NODE_PORTS:
        message = f"means nothing for type {service_type}; it is left out"
        findings.warn(f"{path}.nodePort", node_port, message, rule="D1")
        node_port = None
    if port.protocol is Protocol.SCTP:
        message = "is not supported; this port is not served, the others are"
        findings.warn(f"{path}.protocol", port.protocol, message, rule="S7")
    return ServicePortSpec(port.name, port.protocol, port.port, node_port, options)


def port_number(value: object) -> int | None:
    """``value`` if it is a port from 1 to 65535."""
    # A boolean is an integer for Python, and none for JSON.
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_PORT:
        return value
    return None


def _read_port(entry: object, ports_path: str, index: int, findings: Findings) -> ServicePortSpec | None:
    """The port, or None: then the Service is refused."""
    path = f"{ports_path}[{index}]"
    if not is_object(entry):
        findings.refuse(path, entry, f"must be an object; {_REFUSED}")
        return None
    fields = Fields(entry, path, findings)
    name = _read_name(fields)
    protocol = _read_protocol(fields)
    port = _read_number(fields, "port")
    node_port: int | None = 0
    # 0 is how Go writes an absent number; for Python False is 0 too.
    if fields.raw("nodePort") not in (None, 0) or fields.raw("nodePort") is False:
        node_port = _read_number(fields, "nodePort")
    if name is None or protocol is None or port is None or node_port is None:
        return None
    return ServicePortSpec(name, protocol, port, node_port or None)


def _read_name(fields: Fields) -> str | None:
    name = fields.raw("name")
    if name is None or name == "":
        return ""
    if isinstance(name, str) and is_dns_label(name):
        return name
    message = f"must be a DNS label: at most 63 of a-z, 0-9 and inner hyphens; {_REFUSED}"
    fields.findings.refuse(fields.path("name"), name, message)
    return None


def _read_protocol(fields: Fields) -> Protocol | None:
    protocol = fields.raw("protocol")
    if protocol is None or protocol == "":
        return Protocol.TCP
    if isinstance(protocol, str) and (known := PROTOCOLS.get(protocol)) is not None:
        return known
    fields.findings.refuse(fields.path("protocol"), protocol, f"must be TCP, UDP or SCTP; {_REFUSED}")
    return None


def _read_number(fields: Fields, key: str) -> int | None:
    value = fields.raw(key)
    number = port_number(value)
    if number is None and value is None:
        fields.findings.refuse(fields.path(key), "", f"is missing; {_REFUSED}")
    elif number is None:
        message = f"must be a number from 1 to {_MAX_PORT}; {_REFUSED}"
        fields.findings.refuse(fields.path(key), value, message)
    return number


def _check_distinct(ports: list[ServicePortSpec], path: str, findings: Findings) -> None:
    """Refuse ports of one name, or of one protocol and number (rule D5)."""
    seen: dict[tuple[str, object, Protocol | None], int] = {}
    for index, port in enumerate(ports):
        if not port.name and len(ports) > 1:
            message = f"is missing, which only a single port may be; {_REFUSED}"
            findings.refuse(f"{path}[{index}].name", "", message, rule="D5")
        for key in _identities(port):
            first = seen.setdefault(key, index)
            if first != index:
                field, value, protocol = key
                of_protocol = f" for {protocol}" if protocol else ""
                message = f"is that of ports[{first}] already{of_protocol}; {_REFUSED}"
                findings.refuse(f"{path}[{index}].{field}", value, message, rule="D5")


def _identities(port: ServicePortSpec) -> Iterator[tuple[str, object, Protocol | None]]:
    """What no other port of the Service may have too: (field, value, protocol that it is unique for)."""
    if port.name:
        yield "name", port.name, None
    yield "port", port.port, port.protocol
    if port.node_port is not None:
        yield "nodePort", port.node_port, port.protocol
