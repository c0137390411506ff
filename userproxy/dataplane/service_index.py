"""Which service ports a Service has: what an address is looked up by."""

from __future__ import annotations

from userproxy.model.names import NamespacedName
from userproxy.model.routes import RouteKey

__all__ = ["ServiceIndex"]


class ServiceIndex:
    """Service ports by the Service that they belong to."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[NamespacedName, set[RouteKey]] = {}

    def add(self, key: RouteKey) -> None:
        self._keys.setdefault(key.name.service, set()).add(key)

    def remove(self, key: RouteKey) -> None:
        """Raises KeyError when it is not there."""
        keys = self._keys[key.name.service]
        keys.remove(key)
        if not keys:
            del self._keys[key.name.service]

    def only(self, service: NamespacedName, port_name: str, family: str | None) -> RouteKey:
        """The one that is meant; ``port_name`` "" means the only port, whatever its name, and of several
        families the first. Raises KeyError for none, or several names.

        One name may stand for TCP and for UDP only in different Services (rule D5).
        """
        fitting = [
            key
            for key in sorted(self._keys.get(service, ()))
            if (not port_name or key.name.port_name == port_name) and family in (None, key.family)
        ]
        names = {key.name.port_name for key in fitting}
        if not fitting or len(names) > 1:
            wanted = f"{service}:{port_name}" if port_name else str(service)
            raise KeyError(f"{wanted}: " + (f"which port of {sorted(names)}?" if names else "not served"))
        return fitting[0]
