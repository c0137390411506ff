"""Legacy v1 Endpoints become EndpointSlices, as the mirroring controller makes them (rule D6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from userproxy.manifest.kinds import ENDPOINT_SLICE
from userproxy.model.addresses import parse_ip
from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import MAX_PROBLEMS, shorten
from userproxy.model.metadata import object_ref
from userproxy.model.names import Family
from userproxy.model.problems import Problem, Severity

__all__ = ["MANAGED_BY", "MAX_ADDRESSES", "mirror", "mirror_problems"]

MANAGED_BY = "endpointslicemirroring-controller.k8s.io"
"""Label ``endpointslice.kubernetes.io/managed-by`` of every slice made here."""
MAX_ADDRESSES = 1000
"""Addresses of one subset, and of one slice; the rest is left out, as the controller does."""

_SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror"
_LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
_ANNOTATIONS_KEPT_BACK = frozenset(
    {"endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"}
)
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What generated names of Kubernetes end with: no vowels, nothing that reads as something else."""
_SUFFIX_LENGTH = 5
_PREFIX_LENGTH = 58
"""Generated names are cut so that they have at most 63 characters."""

_PortSet = tuple[tuple[str, ...], ...]


def mirror(
    endpoints: Mapping[str, object], service: Mapping[str, object] | None
) -> tuple[dict[str, object], ...]:
    """The slices of ``endpoints``, one a port set and family; ``service`` is the Service of that name.

    Empty when there is no Service or it has a selector, and when ``endpoints`` asks not to be mirrored,
    is being deleted or has no name. Names stay the same while the order of the port sets does. Never
    raises; `mirror_problems` tells what is left out.
    """
    metadata = _object(endpoints.get("metadata"))
    name = metadata.get("name")
    if not isinstance(name, str) or not name or not _wants_mirror(metadata):
        return ()
    if service is None or _object(service.get("spec")).get("selector"):
        return ()
    slices: list[dict[str, object]] = []
    numbers = dict.fromkeys(Family, 0)
    for (family, _), group in _read(endpoints).groups.items():
        slices.append(
            {
                "apiVersion": ENDPOINT_SLICE.api_version,
                "kind": ENDPOINT_SLICE.kind,
                "metadata": _slice_metadata(metadata, name, family, numbers[family]),
                "addressType": str(family),
                "ports": group.ports,
                "endpoints": list(group.endpoints.values())[:MAX_ADDRESSES],
            }
        )
        numbers[family] += 1
    return tuple(slices)


def mirror_problems(endpoints: Mapping[str, object], *, origin: str = "") -> tuple[Problem, ...]:
    """What `mirror` leaves out of ``endpoints`` because it is bad or too much, at most 100 findings."""
    ref = object_ref(endpoints, "Endpoints")
    reading = _read(endpoints)
    metadata = _object(endpoints.get("metadata"))
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        reading.left_out.insert(0, ("metadata.name", name, "must be a name; nothing is mirrored"))
    return tuple(
        Problem(ref, path, "" if value is None else shorten(value), "D6", message, Severity.ERROR, origin)
        for path, value, message in reading.left_out[:MAX_PROBLEMS]
    )


@dataclass(slots=True)
class _Group:
    """The endpoints of one port set and family; of two alike the later one counts."""

    ports: list[object]
    endpoints: dict[tuple[str, ...], dict[str, object]]


@dataclass(slots=True)
class _Reading:
    groups: dict[tuple[Family, _PortSet], _Group]
    left_out: list[tuple[str, object, str]]

    def subset(self, path: str, subset: Mapping[str, object]) -> None:
        """Sort the addresses of one subset into the groups, ready ones first."""
        ports = [_slice_port(port) for port in self.items(f"{path}.ports", subset.get("ports"))]
        port_set = tuple(sorted(map(_port_key, ports)))
        taken = 0
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            addresses = self.items(f"{path}.{field}", subset.get(field))
            for index, address in enumerate(addresses):
                if taken == MAX_ADDRESSES:
                    message = f"a subset is mirrored up to {MAX_ADDRESSES} addresses; the rest is left out"
                    self.left_out.append((f"{path}.{field}", addresses, message))
                    break
                endpoint = _endpoint(address, ready)
                if endpoint is None:
                    value = address.get("ip") if is_object(address) else address
                    message = "is no IP address; this endpoint is left out"
                    self.left_out.append((f"{path}.{field}[{index}].ip", value, message))
                    continue
                taken += 1
                family, key, mirrored = endpoint
                group = self.groups.setdefault((family, port_set), _Group(ports, {}))
                group.endpoints[key] = mirrored

    def items(self, path: str, value: object) -> Sequence[object]:
        if is_list(value):
            return value
        if value is not None:
            self.left_out.append((path, value, "must be a list; it is left out"))
        return ()


def _read(endpoints: Mapping[str, object]) -> _Reading:
    reading = _Reading({}, [])
    for index, subset in enumerate(reading.items("subsets", endpoints.get("subsets"))):
        if is_object(subset):
            reading.subset(f"subsets[{index}]", subset)
        else:
            reading.left_out.append((f"subsets[{index}]", subset, "must be an object; it is left out"))
    for (family, _), group in reading.groups.items():
        if len(group.endpoints) > MAX_ADDRESSES:
            message = (
                f"{len(group.endpoints)} {family} addresses of several subsets have the same ports; a slice"
                f" holds {MAX_ADDRESSES}, the rest is left out"
            )
            reading.left_out.append(("subsets", None, message))
    return reading


def _endpoint(address: object, ready: bool) -> tuple[Family, tuple[str, ...], dict[str, object]] | None:
    """The family, what tells endpoints apart, and the slice's endpoint; None without an IP address."""
    fields = _object(address)
    text = fields.get("ip")
    try:
        family, ip = parse_ip(text if isinstance(text, str) else "")
    except ValueError:
        return None
    endpoint: dict[str, object] = {"addresses": [ip], "conditions": {"ready": ready}}
    if fields.get("hostname"):
        endpoint["hostname"] = fields["hostname"]
    for name in ("nodeName", "targetRef"):
        if fields.get(name) is not None:
            endpoint[name] = fields[name]
    target = _object(fields.get("targetRef"))
    told_apart = (fields.get("hostname"), target.get("namespace"), target.get("name"))
    return family, (ip, *(shorten(value) for value in told_apart)), endpoint


def _slice_port(port: object) -> object:
    """A port of a slice; what is no object is passed on for the decoder to report."""
    if not is_object(port):
        return port
    name, protocol = port.get("name"), port.get("protocol")
    mirrored = {
        "name": "" if name is None else name,
        "port": port.get("port"),
        "protocol": "TCP" if protocol is None or protocol == "" else protocol,
    }
    if port.get("appProtocol") is not None:
        mirrored["appProtocol"] = port["appProtocol"]
    return mirrored


def _port_key(port: object) -> tuple[str, ...]:
    if not is_object(port):
        return (shorten(port),)
    return tuple(shorten(port.get(name)) for name in ("name", "port", "protocol", "appProtocol"))


def _slice_metadata(
    metadata: Mapping[str, object], name: str, family: Family, number: int
) -> dict[str, object]:
    namespace = metadata.get("namespace") or "default"
    prefix = f"{name}-"[:_PREFIX_LENGTH]
    labels = {
        **_object(metadata.get("labels")),
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": MANAGED_BY,
    }
    annotations = {
        key: value
        for key, value in _object(metadata.get("annotations")).items()
        if key not in _ANNOTATIONS_KEPT_BACK
    }
    made: dict[str, object] = {
        "name": prefix + _suffix(f"{shorten(namespace)}/{name}/{family}/{number}"),
        "generateName": prefix,
        "namespace": namespace,
        "labels": labels,
    }
    if annotations:
        made["annotations"] = annotations
    if metadata.get("uid"):
        made["ownerReferences"] = [
            {
                "apiVersion": "v1",
                "kind": "Endpoints",
                "name": name,
                "uid": metadata["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return made


def _suffix(text: str) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    suffix = ""
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_SUFFIX_ALPHABET))
        suffix += _SUFFIX_ALPHABET[digit]
    return suffix


def _wants_mirror(metadata: Mapping[str, object]) -> bool:
    return (
        _object(metadata.get("labels")).get(_SKIP_LABEL) != "true"
        and _LEADER_ANNOTATION not in _object(metadata.get("annotations"))
        and metadata.get("deletionTimestamp") is None
    )


def _object(value: object) -> Mapping[str, object]:
    return value if is_object(value) else {}
