"""Variables that name Services, as the kubelet gives them to containers (pkg/kubelet/envvars)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from userproxy.discovery.served import Served, ServedPort

__all__ = ["LinkVariables", "link_variables"]


@dataclass(frozen=True, slots=True)
class LinkVariables:
    """Names and values in their order, and what had to be left out."""

    variables: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


def link_variables(served: Served, namespaces: Sequence[str]) -> LinkVariables:
    """Those of the Services in ``namespaces``; headless Services have none.

    A number in a name is the one that the Service states, a number in a value is the one where the port is
    now (rule L1). Of two Services that want a name, the one whose namespace is named first has it. A Service
    with two families is reached by IPv4.
    """
    variables: dict[str, str] = {}
    owners: dict[str, str] = {}
    problems: dict[tuple[str, str], str] = {}
    for ports in _services(served, namespaces):
        service = f"{ports[0].namespace}/{ports[0].service}"
        for name, value in _of_service(ports):
            holder = owners.setdefault(name, service)
            if holder == service:
                variables.setdefault(name, value)
            else:
                why = f"{name} is of Service {holder}; to have that of {service}, name its namespace first"
                problems.setdefault((service, holder), why)
    return LinkVariables(tuple(variables.items()), tuple(problems.values()))


def _services(served: Served, namespaces: Sequence[str]) -> Iterator[list[ServedPort]]:
    """The ports of one Service after the other, as they stand in it."""
    own = [port for port in served.ports if port.namespace in namespaces and not port.hostname]
    own.sort(key=lambda port: (namespaces.index(port.namespace), port.service))
    for _, group in groupby(own, key=lambda port: (port.namespace, port.service)):
        ports = sorted(group, key=lambda port: port.position)
        family = min(port.family for port in ports)
        yield [port for port in ports if port.family is family]


def _of_service(ports: Sequence[ServedPort]) -> Iterator[tuple[str, str]]:
    first = ports[0]
    prefix = _upper(first.service)
    yield f"{prefix}_SERVICE_HOST", first.address
    yield f"{prefix}_SERVICE_PORT", str(first.port)
    for port in ports:
        if port.port_name:
            yield f"{prefix}_SERVICE_PORT_{_upper(port.port_name)}", str(port.port)
    yield f"{prefix}_PORT", _url(first)
    for port in ports:
        of_port = f"{prefix}_PORT_{port.service_port}_{port.protocol}"
        yield of_port, _url(port)
        yield f"{of_port}_PROTO", port.protocol.lower()
        yield f"{of_port}_PORT", str(port.port)
        yield f"{of_port}_ADDR", port.address


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")


def _url(port: ServedPort) -> str:
    host = f"[{port.address}]" if ":" in port.address else port.address
    return f"{port.protocol.lower()}://{host}:{port.port}"
