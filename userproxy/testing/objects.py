"""Short builders of raw objects, complete enough for every source: files, memory and an API server.

``service("web", 80)``, ``service("dns", "dns:53/UDP", "metrics:9153")`` and
``endpoint_slice("web", ["127.0.0.1:9001", "127.0.0.2:9001"])`` say all that most tests need; every further
field is a keyword, spelled as in the API. Nothing is kept: each call gives a new object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "BACKEND_ANNOTATION",
    "endpoint_slice",
    "endpoint_slices",
    "endpoints",
    "namespace",
    "node",
    "pod",
    "service",
    "service_port",
]

RawObject = dict[str, object]
Port = int | str | Mapping[str, object]
"""``80``, ``"53/UDP"``, ``"http:80"``, ``"dns:53/UDP"``, or the raw port itself."""
Texts = Mapping[str, str]

BACKEND_ANNOTATION = "backend.userproxy.dev/"
"""Before the number of a port: the annotation of a Pod that says what stands for this port of it."""

_SERVICE_NAME = "kubernetes.io/service-name"
_CONDITIONS = ("ready", "serving", "terminating")
_SHOWN = 3
"""Families and ports that an error names, of those that do not go together."""


def service(
    name: str,
    *positional: Port,
    ports: Sequence[Port] = (),
    namespace: str = "default",
    labels: Texts | None = None,
    annotations: Texts | None = None,
    status: Mapping[str, object] | None = None,
    **spec: object,
) -> RawObject:
    """A Service; ``spec`` takes any field of its spec: ``type="NodePort"``, ``clusterIP="None"``."""
    raw: RawObject = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, namespace, labels, annotations),
        "spec": {"ports": [service_port(port) for port in (*positional, *ports)], **spec},
    }
    return raw if status is None else {**raw, "status": dict(status)}


def service_port(port: Port) -> RawObject:
    """One port of a Service. Raises ValueError for text that is none."""
    if isinstance(port, Mapping):
        return dict(port)
    text, _, protocol = str(port).partition("/")
    name, _, number = text.rpartition(":")
    stated = {"name": name, "port": int(number), "protocol": protocol}
    return {field: value for field, value in stated.items() if value}


def endpoint_slice(
    service: str,
    addresses: Sequence[str],
    *,
    port_name: str = "",
    protocol: str = "TCP",
    name: str = "",
    namespace: str = "default",
    labels: Texts | None = None,
    annotations: Texts | None = None,
    hostnames: Sequence[str] = (),
    pods: Sequence[str] = (),
    **endpoint: object,
) -> RawObject:
    """An EndpointSlice of ``service`` with one port; ``name`` is that of the Service unless given.

    ``addresses`` are "ip:port" or "[ip6]:port". All have one family and one port number, since a slice says
    these once for all; `endpoint_slices` takes any. ``hostnames`` and ``pods`` (which ``targetRef`` then
    names) have one entry for each address, "" for none. ``endpoint`` goes to every endpoint: ``ready``,
    ``serving`` and ``terminating`` to its conditions, ``zones`` and ``nodes`` to its hints, the rest as it
    is: ``nodeName="worker-1"``. Raises ValueError for addresses that do not go together.
    """
    places = [_place(address) for address in addresses]
    own = _fields_of_each(addresses, hostnames, pods, namespace)
    kinds = {(family, number) for family, _, number in places}
    if len(kinds) > 1:
        shown = ", ".join(f"{family} at port {number}" for family, number in sorted(kinds)[:_SHOWN])
        more = f" and {len(kinds) - _SHOWN} more" if len(kinds) > _SHOWN else ""
        raise ValueError(f"a slice has one family and port number, not {shown}{more}: use endpoint_slices")
    family, number = next(iter(kinds), ("IPv4", None))
    numbered: list[object] = [{"name": port_name, "protocol": protocol, "port": number}] if number else []
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _metadata(
            name or service, namespace, {_SERVICE_NAME: service, **(labels or {})}, annotations
        ),
        "addressType": family,
        "endpoints": [
            _endpoint(host, {**endpoint, **more}) for (_, host, _), more in zip(places, own, strict=True)
        ],
        "ports": numbered,
    }


def endpoint_slices(
    service: str,
    addresses: Sequence[str],
    *,
    port_name: str = "",
    protocol: str = "TCP",
    name: str = "",
    namespace: str = "default",
    labels: Texts | None = None,
    annotations: Texts | None = None,
    hostnames: Sequence[str] = (),
    pods: Sequence[str] = (),
    **endpoint: object,
) -> tuple[RawObject, ...]:
    """As many slices as ``addresses`` have families and port numbers, named ``web-1``, ``web-2``, ...

    At least one, which may be empty. All else as for `endpoint_slice`.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for index, address in enumerate(addresses):
        family, _, number = _place(address)
        groups.setdefault((family, number), []).append(index)
    return tuple(
        endpoint_slice(
            service,
            [addresses[index] for index in group],
            port_name=port_name,
            protocol=protocol,
            name=f"{name or service}-{position}",
            namespace=namespace,
            labels=labels,
            annotations=annotations,
            hostnames=[hostnames[index] for index in group] if hostnames else (),
            pods=[pods[index] for index in group] if pods else (),
            **endpoint,
        )
        for position, group in enumerate(groups.values() or [[]], start=1)
    )


def endpoints(
    name: str,
    addresses: Sequence[str],
    *,
    port_name: str = "",
    protocol: str = "TCP",
    namespace: str = "default",
    labels: Texts | None = None,
    annotations: Texts | None = None,
) -> RawObject:
    """Legacy Endpoints of the Service ``name``, one subset for each port number of ``addresses``."""
    groups: dict[int, list[object]] = {}
    for address in addresses:
        _, host, number = _place(address)
        groups.setdefault(number, []).append({"ip": host})
    named = {"name": port_name} if port_name else {}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _metadata(name, namespace, labels, annotations),
        "subsets": [
            {"addresses": hosts, "ports": [{**named, "port": number, "protocol": protocol}]}
            for number, hosts in groups.items()
        ],
    }


def node(
    name: str,
    *,
    zone: str = "",
    internal_ips: Sequence[str] = (),
    labels: Texts | None = None,
    annotations: Texts | None = None,
    **spec: object,
) -> RawObject:
    """A Node; ``spec`` takes any field of its spec: ``podCIDRs=["10.1.0.0/24"]``."""
    zoned = {"topology.kubernetes.io/zone": zone} if zone else {}
    addresses = [{"type": "InternalIP", "address": ip} for ip in internal_ips]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata(name, "", {**zoned, **(labels or {})}, annotations),
        "spec": dict(spec),
        "status": {"addresses": addresses},
    }


def pod(
    name: str,
    *positional: Port,
    ports: Sequence[Port] = (),
    backends: Mapping[int, str] | None = None,
    namespace: str = "default",
    labels: Texts | None = None,
    annotations: Texts | None = None,
    status: Mapping[str, object] | None = None,
    **spec: object,
) -> RawObject:
    """A Pod with one container; ``spec`` takes any field of its spec: ``nodeName="worker-1"``.

    ``backends`` says for port numbers which "ip:port" the test API server connects to when somebody forwards
    to them: an annotation of the Pod. Ports with a backend need not be named again. Without ``status`` the
    API server lets the Pod run at once.
    """
    stated = [service_port(port) for port in (*positional, *ports)]
    numbers = {port["port"] for port in stated}
    stated += [service_port(number) for number in backends or {} if number not in numbers]
    standing = {f"{BACKEND_ANNOTATION}{number}": place for number, place in (backends or {}).items()}
    container: RawObject = {
        "name": "main",
        "image": "none",
        "ports": [_container_port(port) for port in stated],
    }
    raw: RawObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(name, namespace, labels, {**standing, **(annotations or {})}),
        "spec": {"containers": [container], **spec},
    }
    return raw if status is None else {**raw, "status": dict(status)}


def namespace(name: str, *, labels: Texts | None = None) -> RawObject:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, "", labels, None)}


def _metadata(name: str, namespace: str, labels: Texts | None, annotations: Texts | None) -> RawObject:
    metadata: RawObject = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return metadata


def _place(address: str) -> tuple[str, str, int]:
    """Family, host and port number of "ip:port"."""
    host, _, number = address.rpartition(":")
    if not (host and number.isdigit()):
        raise ValueError(f"{address!r} is no ip:port")
    host = host.removeprefix("[").removesuffix("]")
    return ("IPv6" if ":" in host else "IPv4"), host, int(number)


def _container_port(port: RawObject) -> RawObject:
    """The same port as a container states it."""
    return {"containerPort" if field == "port" else field: value for field, value in port.items()}


def _fields_of_each(
    addresses: Sequence[str], hostnames: Sequence[str], pods: Sequence[str], namespace: str
) -> list[RawObject]:
    """What is each endpoint's own."""
    fields: list[RawObject] = [{} for _ in addresses]
    if hostnames:
        for own, hostname in zip(fields, hostnames, strict=True):
            own.update({"hostname": hostname} if hostname else {})
    if pods:
        for own, pod in zip(fields, pods, strict=True):
            reference = {"kind": "Pod", "name": pod, "namespace": namespace}
            own.update({"targetRef": reference} if pod else {})
    return fields


def _endpoint(host: str, fields: Mapping[str, object]) -> RawObject:
    """One endpoint with its conditions and hints."""
    rest = dict(fields)
    conditions = {name: rest.pop(name) for name in _CONDITIONS if name in rest}
    hints = {
        field: [{"name": each} for each in _names(rest.pop(name))]
        for name, field in (("zones", "forZones"), ("nodes", "forNodes"))
        if name in rest
    }
    endpoint: RawObject = {"addresses": [host], "conditions": conditions or {"ready": True}, **rest}
    return {**endpoint, "hints": hints} if hints else endpoint


def _names(value: object) -> Sequence[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"zones and nodes are lists of names, not {value!r}")
    return value
