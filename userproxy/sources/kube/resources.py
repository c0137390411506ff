"""What is listed and watched: resources, and the collections of them that one reflector follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from userproxy.model.decode import decode_endpoint_slice, decode_node, decode_service
from userproxy.model.events import Rejected, Upsert

__all__ = ["ENDPOINT_SLICES", "NODES", "SERVICES", "Collection", "Resource"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API, and how its objects are decoded."""

    name: str
    """As in URLs and roles: ``endpointslices``."""
    kind: str
    group: str
    """API group; "" is the core group."""
    version: str
    decode: Callable[[object], Upsert | Rejected]

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


SERVICES = Resource("services", "Service", "", "v1", decode_service)
ENDPOINT_SLICES = Resource("endpointslices", "EndpointSlice", "discovery.k8s.io", "v1", decode_endpoint_slice)
NODES = Resource("nodes", "Node", "", "v1", decode_node)


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of one resource that are followed together: one namespace, or all; some, or all."""

    resource: Resource
    namespace: str = ""
    """"": all namespaces."""
    label_selector: str = ""
    field_selector: str = ""

    @property
    def name(self) -> str:
        """``services``, or ``services/team-a`` where it is one namespace's."""
        return f"{self.resource.name}/{self.namespace}" if self.namespace else self.resource.name

    @property
    def path(self) -> str:
        """Path below the server's base URL, quoted."""
        group = f"/apis/{self.resource.group}" if self.resource.group else "/api"
        within = f"/namespaces/{quote(self.namespace, safe='')}" if self.namespace else ""
        return f"{group}/{self.resource.version}{within}/{self.resource.name}"

    def list_query(self, version: str, limit: int | None) -> dict[str, str]:
        """Query of a list's first page (rule R3)."""
        return self._query({"resourceVersion": version, "limit": str(limit) if limit else ""})

    def continue_query(self, limit: int | None, token: str) -> dict[str, str]:
        """Query of a list's next page; the token holds the version, which must not be given again."""
        return self._query({"limit": str(limit) if limit else "", "continue": token})

    def watch_query(self, version: str, timeout_s: int) -> dict[str, str]:
        """Query of a watch (rule R4)."""
        return self._query(
            {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(timeout_s),
            }
        )

    def _query(self, parameters: Mapping[str, str]) -> dict[str, str]:
        selectors = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {key: value for key, value in {**selectors, **parameters}.items() if value}
