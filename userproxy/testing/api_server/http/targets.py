"""What a path and a method ask for: a kind, a namespace, a name, and a verb (API concepts, "Verbs")."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.manifest.kinds import POD, Kind
from userproxy.testing.api_server.presentation.discovery import STATUS_KINDS
from userproxy.testing.api_server.schema.served import served_resource

__all__ = ["Target", "parse_target"]

_ITEM_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PORT_FORWARD_VERBS = {"GET": "get", "POST": "create"}
_COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True)
class Target:
    """One object (``name`` is set) or a collection of them; ``namespace`` "" is all of them, or none."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def forwards(self) -> bool:
        """It is a Pod's ``portforward``, which is no object."""
        return self.subresource == "portforward"

    @property
    def resource(self) -> str:
        """The resource, as RBAC and scripts name it: ``services``, ``pods/portforward``."""
        return f"{self.kind.plural}/portforward" if self.forwards else self.kind.plural

    def verb(self, method: str, *, watch: bool) -> str:
        """The verb, as RBAC names it; "" when the method does not fit the path."""
        if self.forwards:
            return _PORT_FORWARD_VERBS.get(method, "")
        verb = (_ITEM_VERBS if self.name else _COLLECTION_VERBS).get(method, "")
        if verb == "list" and watch:
            return "watch"
        everywhere = self.kind.namespaced and not self.namespace
        forbidden = ("create", "deletecollection") if everywhere else ("delete",) if self.subresource else ()
        return "" if verb in forbidden else verb


def parse_target(path: str) -> Target | None:
    """The target of ``/api/v1/...`` or ``/apis/GROUP/VERSION/...``; None when no such thing is served."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            return _within_version("", version, rest)
        case ["apis", group, version, *rest] if group:
            return _within_version(group, version, rest)
    return None


def _within_version(group: str, version: str, rest: list[str]) -> Target | None:
    match rest:
        case ["namespaces", namespace, plural, *names] if plural not in ("status", "finalize"):
            kind = served_resource(group, version, plural)
            return _named(Target(kind, namespace), names) if kind and kind.namespaced else None
        case [plural, *names]:
            kind = served_resource(group, version, plural)
            # A namespaced object has no path outside of its namespace.
            return _named(Target(kind), names) if kind and not (kind.namespaced and names) else None
    return None


def _named(target: Target, names: list[str]) -> Target | None:
    match names:
        case []:
            return target
        case [name] if name:
            return Target(target.kind, target.namespace, name)
        case [name, "status"] if name and target.kind in STATUS_KINDS:
            return Target(target.kind, target.namespace, name, "status")
        case [name, "portforward"] if name and target.kind == POD:
            return Target(target.kind, target.namespace, name, "portforward")
    return None
