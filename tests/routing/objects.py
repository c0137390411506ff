"""Short builders of model values: everything not given is what the usual object has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from userproxy.model.endpoints import EndpointSlice, SliceEndpoint, SlicePort
from userproxy.model.events import Event, KubeObject, Synced, Upsert
from userproxy.model.names import Family, NamespacedName, Protocol
from userproxy.model.problems import Problem
from userproxy.model.routes import Route
from userproxy.model.service import Service, ServicePortSpec
from userproxy.routing import AddressPlan, LoopbackAddresses, ReachPolicy, State

NODE = "here"
IPV4, IPV6 = Family.IPV4, Family.IPV6
TCP, UDP, SCTP = Protocol.TCP, Protocol.UDP, Protocol.SCTP
HTTP = ServicePortSpec("http", TCP, 80)
DNS = ServicePortSpec("dns", UDP, 53)


def name(text: str) -> NamespacedName:
    """``web`` in namespace default, or ``other/web``."""
    namespace, _, own = text.rpartition("/")
    return NamespacedName(namespace or "default", own)


def service(text: str = "web", *ports: ServicePortSpec, base: Service | None = None) -> Service:
    """A ClusterIP Service with port http 80/TCP; ``base`` gives the other fields."""
    key = name(text)
    usual = base or Service(key.namespace, key.name)
    return replace(usual, namespace=key.namespace, name=key.name, ports=ports or (HTTP,))


def ready(address: str, node: str = "", *, zones: str = "", nodes: str = "") -> SliceEndpoint:
    """A ready endpoint; hints as words in one string."""
    return SliceEndpoint(
        address, node_name=node, zone_hints=tuple(zones.split()), node_hints=tuple(nodes.split())
    )


def unready(address: str, node: str = "", *, zones: str = "") -> SliceEndpoint:
    return ready(address, node, zones=zones)._replace(ready=False, serving=False)


def draining(address: str, node: str = "", *, serving: bool = True) -> SliceEndpoint:
    """A terminating endpoint, serving unless said otherwise."""
    return ready(address, node)._replace(ready=False, serving=serving, terminating=True)


def endpoint_slice(
    text: str = "web-1",
    endpoints: Iterable[SliceEndpoint | str] = (),
    *,
    of: str = "web",
    ports: Iterable[SlicePort] = (SlicePort("http", TCP, 8080),),
    family: Family | None = IPV4,
) -> EndpointSlice:
    """A slice of Service ``of`` in its own namespace; strings are ready endpoints."""
    key = name(text)
    entries = (ready(one) if isinstance(one, str) else one for one in endpoints)
    return EndpointSlice(key.namespace, key.name, of, family, tuple(ports), tuple(entries))


def state(
    *objects: KubeObject,
    addresses: AddressPlan | None = None,
    cluster_ip_required: bool = False,
    reach: ReachPolicy | None = None,
) -> State:
    """A synced state that holds ``objects``, nothing taken yet."""
    fresh = State(
        node_name=NODE,
        addresses=addresses or LoopbackAddresses(),
        cluster_ip_required=cluster_ip_required,
        reach=reach,
    )
    fold(fresh, *objects, Synced())
    return fresh


def fold(into: State, *said: KubeObject | Event) -> None:
    """Objects are folded as good ones without problems."""
    for one in said:
        into.fold(Upsert(one) if isinstance(one, KubeObject) else one)


def served(into: State) -> dict[str, Route]:
    """Everything is taken; the table by the text of its keys."""
    while into.take().more:
        pass
    return {str(key): route for key, route in into.routes.items()}


def names(endpoints: Iterable[object] | None) -> list[str] | None:
    return None if endpoints is None else [str(one) for one in endpoints]


WEB, WEB_1 = service(), endpoint_slice("web-1", ["10.0.0.1"])
KEY = "default/web:http/TCP/IPv4"
BAD = Problem(WEB.ref, "spec.ports[0].port", "0", "D7", "is not in 1-65535")


def cluster(one: State, key: str = KEY) -> list[str] | None:
    """The Cluster set that is served under ``key``."""
    return names(served(one)[key].cluster)
