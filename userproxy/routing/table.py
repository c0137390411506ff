"""The routes in force, found by their Service, and the difference that each replacement makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from userproxy.model.names import NamespacedName
from userproxy.model.routes import Route, RouteKey

__all__ = ["Difference", "RouteTable"]


class Difference:
    """Collects what several replacements change; each Service comes at most once."""

    def __init__(self) -> None:
        self.changed: list[Route] = []
        self.removed: list[RouteKey] = []
        self.added_services: list[NamespacedName] = []
        self.changed_services: list[NamespacedName] = []
        self.removed_services: list[NamespacedName] = []
        self.external_names = False


class RouteTable:
    """Routes by key. A Service without routes leaves nothing behind (rule E9)."""

    def __init__(self) -> None:
        self._routes: dict[RouteKey, Route] = {}
        self._keys: dict[NamespacedName, tuple[RouteKey, ...]] = {}
        self.routes: Mapping[RouteKey, Route] = MappingProxyType(self._routes)

    def replace(self, service: NamespacedName, routes: Iterable[Route], difference: Difference) -> None:
        """``routes`` are all of ``service`` now; equal ones are no change (rules S11, E11)."""
        new = {route.key: route for route in routes}
        old = self._keys.get(service, ())
        removed = [key for key in old if key not in new]
        changed = [route for key, route in new.items() if self._routes.get(key) != route]
        for key in removed:
            del self._routes[key]
        for route in changed:
            self._routes[route.key] = route
        if new:
            self._keys[service] = tuple(new)
        else:
            self._keys.pop(service, None)
        difference.removed.extend(removed)
        difference.changed.extend(changed)
        if new and not old:
            difference.added_services.append(service)
        elif old and not new:
            difference.removed_services.append(service)
        elif removed or changed:
            difference.changed_services.append(service)
