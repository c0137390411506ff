"""Discovery: which groups, versions and resources there are, one document each or all in one.

Shapes of API concepts, "API Discovery": the aggregated form (v2 and v2beta1) is what kubectl asks for
first, the unaggregated one is for older clients.
"""

from __future__ import annotations

from userproxy.manifest.kinds import NAMESPACE, NODE, POD, SERVICE, Kind
from userproxy.testing.api_server.schema.served import SERVED

__all__ = ["STATUS_KINDS", "aggregated", "api_versions", "group", "groups", "resources", "version"]

STATUS_KINDS = (SERVICE, NODE, NAMESPACE, POD)
"""Kinds with a ``status`` subresource."""

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_STATUS_VERBS = ("get", "patch", "update")
_CATEGORIES_ALL = (SERVICE, POD)


def api_versions() -> dict[str, object]:
    """``/api``: the versions of the core group."""
    return {
        "kind": "APIVersions",
        "versions": list(_versions("")),
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}],
    }


def groups() -> dict[str, object]:
    """``/apis``: the named groups."""
    names = dict.fromkeys(kind.group for kind in SERVED if kind.group)
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in names]}


def group(name: str) -> dict[str, object] | None:
    """``/apis/GROUP``; None when there is none of that name."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)} if name and _versions(name) else None


def resources(group_name: str, version_name: str) -> dict[str, object] | None:
    """``/api/v1`` or ``/apis/GROUP/VERSION``; None when it is not served."""
    kinds = [kind for kind in SERVED if (kind.group, kind.version) == (group_name, version_name)]
    if not kinds:
        return None
    entries = []
    for kind in kinds:
        entries.append(_resource(kind))
        if kind in STATUS_KINDS:
            entries.append(_status_resource(kind))
        if kind == POD:
            entries.append(_PORT_FORWARD)
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": kinds[0].api_version,
        "resources": entries,
    }


def aggregated(*, core: bool, api_version: str) -> dict[str, object]:
    """``/api`` (core) or ``/apis`` with everything below them; ``api_version`` is v2 or v2beta1."""
    names = dict.fromkeys(kind.group for kind in SERVED if (kind.group == "") == core)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{api_version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": name, "creationTimestamp": None}
                if name
                else {"creationTimestamp": None},
                "versions": [_aggregated_version(name, each) for each in _versions(name)],
            }
            for name in names
        ],
    }


def version(git_version: str) -> dict[str, object]:
    """``/version`` for a version such as ``1.32`` or ``1.32.4``."""
    numbers = [*git_version.removeprefix("v").split("."), "0", "0"][:3]
    return {
        "major": numbers[0],
        "minor": numbers[1],
        "gitVersion": "v" + ".".join(numbers),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def _versions(group_name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.version for kind in SERVED if kind.group == group_name))


def _group(name: str) -> dict[str, object]:
    versions = [{"groupVersion": f"{name}/{each}", "version": each} for each in _versions(name)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource(kind: Kind) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(_VERBS),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind in _CATEGORIES_ALL:
        entry["categories"] = ["all"]
    return entry


def _status_resource(kind: Kind) -> dict[str, object]:
    return {
        "name": f"{kind.plural}/status",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(_STATUS_VERBS),
    }


_PORT_FORWARD: dict[str, object] = {
    "name": "pods/portforward",
    "singularName": "",
    "namespaced": True,
    "kind": "PodPortForwardOptions",
    "verbs": ["create", "get"],
}


def _aggregated_version(group_name: str, version_name: str) -> dict[str, object]:
    kinds = [kind for kind in SERVED if (kind.group, kind.version) == (group_name, version_name)]
    return {
        "version": version_name,
        "resources": [_aggregated_resource(kind) for kind in kinds],
        "freshness": "Current",
    }


def _aggregated_resource(kind: Kind) -> dict[str, object]:
    response_kind = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    entry: dict[str, object] = {
        "resource": kind.plural,
        "responseKind": response_kind,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(_VERBS),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind in _CATEGORIES_ALL:
        entry["categories"] = ["all"]
    if kind in STATUS_KINDS:
        entry["subresources"] = _subresources(kind, response_kind)
    return entry


def _subresources(kind: Kind, response_kind: dict[str, str]) -> list[object]:
    status = {"subresource": "status", "responseKind": response_kind, "verbs": list(_STATUS_VERBS)}
    options = {"group": "", "version": "v1", "kind": "PodPortForwardOptions"}
    forward = {"subresource": "portforward", "responseKind": options, "verbs": ["create", "get"]}
    return [status, forward] if kind == POD else [status]
