"""The columns of each kind in ``kubectl get``, and the cells of one object.

Objects may have been stored without any check, so every reader here takes what is not there, or not of
the right type, as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, NODE, POD, SERVICE, Kind
from userproxy.testing.api_server.presentation.ages import age
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.paths import at, objects_at

__all__ = ["COLUMNS", "Column", "cells"]

_NONE, _UNSET, _UNKNOWN, _PENDING = "<none>", "<unset>", "<unknown>", "<pending>"
_SHOWN = 3
"""Endpoints and ports of a list that are written out before "+ n more...": as kubectl's server does."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; a ``priority`` above 0 shows with ``-o wide`` only."""

    name: str
    cell: Callable[[RawObject], object]
    priority: int = 0
    format: str = ""


def cells(kind: Kind, raw: RawObject, now: datetime) -> list[object]:
    """The cells of one row, in the order of ``COLUMNS``."""
    return [age(column.cell(raw), now) if column is _AGE else column.cell(raw) for column in COLUMNS[kind]]


def _text(raw: object, *path: str, absent: str = _NONE) -> str:
    value = at(raw, *path)
    return absent if value is None or value == "" else str(value)


def _texts(raw: object, *path: str) -> list[str]:
    value = at(raw, *path)
    return [str(item) for item in value] if isinstance(value, list) else []


def _shortened(entries: Sequence[str], absent: str) -> str:
    more = f" + {len(entries) - _SHOWN} more..." if len(entries) > _SHOWN else ""
    return ",".join(entries[:_SHOWN]) + more if entries else absent


def _service_address(raw: RawObject) -> str:
    return next(iter(_texts(raw, "spec", "clusterIPs")), _NONE)


def _external_addresses(raw: RawObject) -> str:
    type_ = at(raw, "spec", "type")
    if type_ == "ExternalName":
        return _text(raw, "spec", "externalName")
    stated = _texts(raw, "spec", "externalIPs")
    if type_ != "LoadBalancer":
        return ",".join(stated) or _NONE
    ingress = objects_at(raw, "status", "loadBalancer", "ingress")
    given = [str(entry.get("ip") or entry.get("hostname") or "") for entry in ingress]
    return ",".join([*filter(None, given), *stated]) or _PENDING


def _service_ports(raw: RawObject) -> str:
    ports = []
    for port in objects_at(raw, "spec", "ports"):
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port.get('port')}{node_port}/{port.get('protocol')}")
    return ",".join(ports) or _NONE


def _service_selector(raw: RawObject) -> str:
    selector = at(raw, "spec", "selector")
    pairs = selector.items() if isinstance(selector, Mapping) else ()
    return ",".join(f"{key}={value}" for key, value in sorted(pairs)) or _NONE


def _slice_ports(raw: RawObject) -> str:
    numbers = (port.get("port") for port in objects_at(raw, "ports"))
    return _shortened(["*" if number is None else str(number) for number in numbers], _UNSET)


def _slice_addresses(raw: RawObject) -> str:
    found = [
        address for endpoint in objects_at(raw, "endpoints") for address in _texts(endpoint, "addresses")
    ]
    return _shortened(found, _UNSET)


def _subset_addresses(raw: RawObject) -> str:
    return _shortened([one for subset in objects_at(raw, "subsets") for one in _of_subset(subset)], _NONE)


def _of_subset(subset: RawObject) -> Iterable[str]:
    addresses = [_text(address, "ip") for address in objects_at(subset, "addresses")]
    ports = [port.get("port") for port in objects_at(subset, "ports")]
    if not ports:
        return addresses
    hosts = (f"[{ip}]" if ":" in ip else ip for ip in addresses)
    return [f"{host}:{port}" for host in hosts for port in ports]


def _node_status(raw: RawObject) -> str:
    conditions = objects_at(raw, "status", "conditions")
    ready = next((each.get("status") for each in conditions if each.get("type") == "Ready"), None)
    status = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return f"{status},SchedulingDisabled" if at(raw, "spec", "unschedulable") is True else status


def _node_roles(raw: RawObject) -> str:
    labels = at(raw, "metadata", "labels")
    prefix = "node-role.kubernetes.io/"
    names = [str(key) for key in labels] if isinstance(labels, Mapping) else []
    return ",".join(sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))) or _NONE


def _node_address(type_: str) -> Callable[[RawObject], str]:
    def cell(raw: RawObject) -> str:
        addresses = objects_at(raw, "status", "addresses")
        return next((_text(each, "address") for each in addresses if each.get("type") == type_), _NONE)

    return cell


def _pod_ready(raw: RawObject) -> str:
    statuses = objects_at(raw, "status", "containerStatuses")
    ready = sum(1 for each in statuses if each.get("ready") is True)
    return f"{ready}/{len(objects_at(raw, 'spec', 'containers'))}"


def _pod_status(raw: RawObject) -> str:
    return "Terminating" if at(raw, "metadata", "deletionTimestamp") else _text(raw, "status", "phase")


def _pod_restarts(raw: RawObject) -> str:
    counts = (each.get("restartCount") for each in objects_at(raw, "status", "containerStatuses"))
    return str(sum(count for count in counts if isinstance(count, int)))


def _field(*path: str, absent: str = _NONE) -> Callable[[RawObject], str]:
    return lambda raw: _text(raw, *path, absent=absent)


_NAME = Column("Name", _field("metadata", "name", absent=""), format="name")
_AGE = Column("Age", _field("metadata", "creationTimestamp", absent=""))

COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    SERVICE: (
        _NAME,
        Column("Type", _field("spec", "type", absent="")),
        Column("Cluster-IP", _service_address),
        Column("External-IP", _external_addresses),
        Column("Port(s)", _service_ports),
        _AGE,
        Column("Selector", _service_selector, priority=1),
    ),
    ENDPOINT_SLICE: (
        _NAME,
        Column("AddressType", _field("addressType", absent="")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_addresses),
        _AGE,
    ),
    ENDPOINTS: (_NAME, Column("Endpoints", _subset_addresses), _AGE),
    POD: (
        _NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _pod_restarts),
        _AGE,
        Column("IP", _field("status", "podIP"), priority=1),
        Column("Node", _field("spec", "nodeName"), priority=1),
        Column("Nominated Node", _field("status", "nominatedNodeName"), priority=1),
    ),
    NAMESPACE: (_NAME, Column("Status", _field("status", "phase", absent="")), _AGE),
    NODE: (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        Column("Version", _field("status", "nodeInfo", "kubeletVersion", absent="")),
        Column("Internal-IP", _node_address("InternalIP"), priority=1),
        Column("External-IP", _node_address("ExternalIP"), priority=1),
        Column("OS-Image", _field("status", "nodeInfo", "osImage", absent=_UNKNOWN), priority=1),
        Column("Kernel-Version", _field("status", "nodeInfo", "kernelVersion", absent=_UNKNOWN), priority=1),
        Column(
            "Container-Runtime",
            _field("status", "nodeInfo", "containerRuntimeVersion", absent=_UNKNOWN),
            priority=1,
        ),
    ),
}
"""The columns of every kind that is served, as kubectl shows them."""
