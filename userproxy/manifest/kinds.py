"""The kinds of objects that userproxy reads, as API discovery names them (rule D3)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ENDPOINTS",
    "ENDPOINT_SLICE",
    "KINDS",
    "NAMESPACE",
    "NODE",
    "POD",
    "SERVICE",
    "Kind",
    "kind_of",
    "known",
    "resource",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind in one version. ``group`` is "" for the core group."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    selectable_fields: tuple[str, ...] = ("metadata.name", "metadata.namespace")
    """What a field selector may name; an API server answers 400 to anything else."""

    @property
    def api_version(self) -> str:
        """``v1`` or ``discovery.k8s.io/v1``: the ``apiVersion`` of an object."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """``ServiceList``: the ``kind`` of a list of them."""
        return f"{self.kind}List"


_METADATA = ("metadata.name", "metadata.namespace")

SERVICE = Kind(
    "", "v1", "Service", "services", "service", ("svc",), True, (*_METADATA, "spec.clusterIP", "spec.type")
)
ENDPOINTS = Kind("", "v1", "Endpoints", "endpoints", "endpoints", ("ep",))
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "endpointslice")
NODE = Kind("", "v1", "Node", "nodes", "node", ("no",), False, ("metadata.name", "spec.unschedulable"))
NAMESPACE = Kind(
    "", "v1", "Namespace", "namespaces", "namespace", ("ns",), False, ("metadata.name", "status.phase")
)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    "pod",
    ("po",),
    True,
    (*_METADATA, "spec.nodeName", "status.phase", "status.podIP"),
)
"""Not read by any source: what the test API server serves besides, so that it can be forwarded to."""

KINDS = (SERVICE, ENDPOINTS, ENDPOINT_SLICE, NODE, NAMESPACE)
"""Every kind that is read."""

_BY_KIND = {(kind.api_version, kind.kind): kind for kind in KINDS}
_BY_RESOURCE = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
_NAMES = frozenset(kind.kind for kind in KINDS)


def kind_of(api_version: object, kind: object) -> Kind | None:
    """The kind of an object with these two fields; None when it is not read, or they are no text."""
    if isinstance(api_version, str) and isinstance(kind, str):
        return _BY_KIND.get((api_version, kind))
    return None


def resource(group: str, version: str, plural: str) -> Kind | None:
    """The kind behind ``/api/VERSION/PLURAL`` or ``/apis/GROUP/VERSION/PLURAL``; None when not served."""
    return _BY_RESOURCE.get((group, version, plural))


def known(kind: object) -> bool:
    """True when some version of ``kind`` is read: another apiVersion of it is an error (rule D3)."""
    return isinstance(kind, str) and kind in _NAMES
