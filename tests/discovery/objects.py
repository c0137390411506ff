"""Short builders of what a proxy tells of its service ports."""

from __future__ import annotations

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.discovery import ServedPort
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import RouteKey


def snapshot(
    name: str,
    port: int = 80,
    *,
    port_name: str = "",
    protocol: Protocol = Protocol.TCP,
    address: str = "127.1.0.1",
    at: int | None = 0,
    state: ListenerState = ListenerState.LISTENING,
) -> PortSnapshot:
    """``name`` is "namespace/service"; ``at`` 0: the port is at its stated number."""
    namespace, _, service = name.partition("/")
    family = Family.IPV6 if ":" in address else Family.IPV4
    return PortSnapshot(
        key=RouteKey(ServicePortName(namespace, service, port_name, protocol), family),
        service_port=port,
        listen_host=address,
        listen_port=port if at == 0 else at,
        state=state,
        reason="",
        endpoints=(),
        open=0,
        held=0,
        accepted=0,
        ends=(),
        dropped=(),
    )


def served_port(
    name: str,
    port: int = 80,
    *,
    port_name: str = "",
    protocol: Protocol = Protocol.TCP,
    address: str = "127.1.0.1",
    at: int = 0,
    usable: bool = True,
) -> ServedPort:
    """``name`` is "namespace/service" or "namespace/hostname.service"."""
    namespace, _, rest = name.partition("/")
    hostname, _, service = rest.rpartition(".")
    family = Family.IPV6 if ":" in address else Family.IPV4
    return ServedPort(
        namespace, service, hostname, port_name, protocol, family, port, address, at or port, usable
    )
