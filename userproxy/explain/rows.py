"""One row for each Service, port and family: how it is served, or why it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from userproxy.model.endpoints import EndpointSlice
from userproxy.model.names import Family, NamespacedName, Protocol, ServicePortName, owner
from userproxy.model.routes import Endpoint, RouteKey
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy
from userproxy.routing import State
from userproxy.routing.candidates import Candidate, candidates
from userproxy.routing.derivation import port_selection, why_port_ignored, why_unreachable
from userproxy.routing.headless import serves_endpoints
from userproxy.routing.reach import DIRECT, Reach
from userproxy.routing.selection import reasons
from userproxy.routing.traffic import of_family, source_ranges

__all__ = ["ExplainEndpoint", "ExplainRow", "Listening", "explain"]

NAMELESS = "no host name: an endpoint of a headless Service is served by its own name"

Listening = Callable[[RouteKey], tuple[str, int] | None]
"""Where a route is listened on now; None: not known, or nothing is running."""


@dataclass(frozen=True, slots=True)
class ExplainEndpoint:
    """An endpoint that some slice names for a service port."""

    endpoint: str
    """"ip:port"; the address alone, as written, of one that is invalid."""
    ready: bool
    serving: bool
    terminating: bool
    local: bool
    reason: str | None
    """Why it is not used (rule T5); None: it is."""
    reached: str | None = None
    """"direct", or "pod NAME" where it is reached through the API server; None: not at all."""

    def as_json(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class ExplainRow:
    """A service port in one family. The fields are the JSON form's, in its order."""

    namespace: str
    service: str
    port_name: str = ""
    protocol: Protocol | None = None
    family: Family | None = None
    service_port: int | None = None
    listen_address: str | None = None
    listen_port: int | None = None
    """None: not known before something listens."""
    ignored: str | None = None
    """Why the Service, the port or the family is not served."""
    cluster_ip: str | None = None
    node_port: int | None = None
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] | None = None
    """None: unlimited (rule S5)."""
    session_affinity_seconds: int | None = None
    internal_traffic_policy: TrafficPolicy | None = None
    external_traffic_policy: TrafficPolicy | None = None
    """None where it has no meaning: ExternalName, and ClusterIP without external IPs."""
    health_check_node_port: int | None = None
    cluster: tuple[str, ...] | None = None
    """Rule T1; None where it is not computed."""
    local: tuple[str, ...] | None = None
    """Rule T2; None where it is not computed."""
    endpoints: tuple[ExplainEndpoint, ...] = ()
    unreachable: str | None = None
    """Why none of the usable endpoints can be reached from here."""

    def as_json(self) -> dict[str, object]:
        """Plain values, as ``explain -o json`` prints them."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _nothing_runs(_: RouteKey) -> None:
    return None


def explain(
    state: State, name: NamespacedName | None = None, listening: Listening = _nothing_runs
) -> tuple[ExplainRow, ...]:
    """The rows of one Service, or of all in order; empty when there is no such Service.

    Behind those of a headless Service come those of its endpoints that are served by their own names; such
    a name, as ``db-0.db``, gives its rows alone. Where ``listening`` knows nothing, a row tells the address
    and port that would be tried first.
    """
    keys = sorted(state.services) if name is None else [owner(name)]
    services = [state.services[key] for key in keys if key in state.services]
    rows = tuple(row for service in services for row in _all_rows(state, service, listening))
    if name is None or name in state.services:
        return rows
    return tuple([row for row in rows if row.service == name.name])


def _all_rows(state: State, service: Service, listening: Listening) -> Iterator[ExplainRow]:
    """Those of the Service, then those of its endpoints that are served by their own names."""
    yield from _rows(state, service, state.slices_of(service.key), listening)
    for one in state.endpoint_services(service):
        yield from _rows(state, one.service, one.slices, listening)


def _rows(
    state: State, service: Service, slices: Sequence[EndpointSlice], listening: Listening
) -> Iterator[ExplainRow]:
    why_service = state.why_ignored(service)
    families = service.families if why_service is None or service.families_stated else ()
    for port in service.ports or (None,):
        for family in families or (None,):
            row = _stated(service, port, family)
            if port is None or family is None:
                yield replace(row, ignored=why_service)
                continue
            why = why_service or why_port_ignored(port) or state.why_unserved(service, family)
            if why is not None:
                yield replace(row, ignored=why, endpoints=tuple(_nameless(state, service, port, family)))
            else:
                yield _served(row, state, service, slices, port, family, listening)


def _stated(service: Service, port: ServicePortSpec | None, family: Family | None) -> ExplainRow:
    """What the Service itself says, served or not. Without a family, of both."""
    families = (family,) if family else tuple(Family)
    ranges = [text for one in families for text in source_ranges(service, one) or ()]
    internal = service.type is not ServiceType.EXTERNAL_NAME
    external = internal and (service.type is not ServiceType.CLUSTER_IP or service.external_ips)
    return ExplainRow(
        namespace=service.namespace,
        service=service.name,
        port_name=port.name if port else "",
        protocol=port.protocol if port else None,
        family=family,
        service_port=port.port if port else None,
        cluster_ip=service.cluster_ip(family) if family else None,
        node_port=port.node_port if port else None,
        external_ips=tuple(ip for one in families for ip in of_family(service.external_ips, one)),
        load_balancer_ips=tuple(ip for one in families for ip in of_family(service.load_balancer_ips, one)),
        source_ranges=tuple(ranges) or None,
        session_affinity_seconds=service.session_affinity_s,
        internal_traffic_policy=service.internal_traffic_policy if internal else None,
        external_traffic_policy=service.external_traffic_policy if external else None,
        health_check_node_port=service.health_check_node_port,
    )


def _served(
    row: ExplainRow,
    state: State,
    service: Service,
    slices: Sequence[EndpointSlice],
    port: ServicePortSpec,
    family: Family,
    listening: Listening,
) -> ExplainRow:
    """``row`` with its listening address, its sets and a reason for each endpoint that is in none."""
    found, selection = port_selection(service, port, family, slices, state.node, state.reach)
    strangers = [one for one in Family if one not in service.families]
    endpoints = [
        *(
            _endpoint(one, why, state.reach, port)
            for one, why in reasons(found, selection, zone=state.node.zone)
        ),
        *(
            _endpoint(one, "wrong family", state.reach, port)
            for stranger in strangers
            for one in candidates(slices, port, stranger, state.node.name).unique
        ),
        *_invalid(slices, port, (family, *strangers)),
    ]
    key = RouteKey(ServicePortName(service.namespace, service.name, port.name, port.protocol), family)
    host, number = _where(state, key, listening)
    return replace(
        row,
        listen_address=host,
        listen_port=number,
        cluster=_names(selection.cluster),
        local=_names(selection.local),
        endpoints=tuple(sorted(endpoints, key=lambda one: (one.endpoint, one.reason or ""))),
        unreachable=why_unreachable(service, selection) or None,
    )


def _nameless(
    state: State, service: Service, port: ServicePortSpec, family: Family
) -> Iterator[ExplainEndpoint]:
    """The endpoints of a headless Service that have no name to be served by."""
    if serves_endpoints(service):
        for one in candidates(state.slices_of(service.key), port, family, state.node.name).unique:
            if not one.conditions.hostname:
                yield _endpoint(one, NAMELESS, state.reach, port)


def _where(state: State, key: RouteKey, listening: Listening) -> tuple[str | None, int | None]:
    at = listening(key)
    if at is not None:
        return at
    route = state.routes.get(key)
    return (route.listen_host, route.listen_port or None) if route else (None, None)


def _endpoint(
    candidate: Candidate, reason: str | None, reach: Reach | None, port: ServicePortSpec
) -> ExplainEndpoint:
    entry = candidate.conditions
    way = DIRECT if reach is None else reach.way(candidate, port.protocol)
    return ExplainEndpoint(
        candidate.endpoint.name,
        entry.ready,
        entry.serving,
        entry.terminating,
        candidate.local,
        reason,
        None if way.unreachable else str(way),
    )


def _invalid(
    slices: Sequence[EndpointSlice], port: ServicePortSpec, families: Sequence[Family]
) -> Iterator[ExplainEndpoint]:
    """The entries that were dropped for themselves, of the slices that have ``port`` (rule D7)."""
    for one in slices:
        if one.address_type in families and any(
            (own.name, own.protocol) == (port.name, port.protocol) for own in one.ports
        ):
            for entry in one.invalid:
                why = entry.why if entry.why == "wrong family" else f"invalid ({entry.why})"
                yield ExplainEndpoint(entry.address, False, False, False, False, why)


def _names(endpoints: tuple[Endpoint, ...] | None) -> tuple[str, ...] | None:
    return None if endpoints is None else tuple([endpoint.name for endpoint in endpoints])


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, ExplainEndpoint):
        return value.as_json()
    return str(value) if isinstance(value, str) else value
