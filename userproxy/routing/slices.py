"""The EndpointSlices as they are now, each under its own name, found by their Service (section E)."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from userproxy.model.endpoints import EndpointSlice
from userproxy.model.names import NamespacedName

__all__ = ["SliceCache"]


class SliceCache:
    """Keeps slices one by one, so that an endpoint that moves between two is never lost (rule E8).

    Says which Services each change concerns. Costs what the changed slice costs, and a look at its siblings.
    """

    def __init__(self) -> None:
        self._slices: dict[NamespacedName, EndpointSlice] = {}
        self._by_service: dict[NamespacedName, tuple[EndpointSlice, ...]] = {}
        """By name. Most Services have one slice, and a tuple of one has a fifth of a dictionary's size."""
        self._zone_hinted: set[NamespacedName] = set()

    def apply(self, new: EndpointSlice) -> tuple[NamespacedName, ...]:
        """Keep ``new`` in place of its earlier version; the Services whose endpoints that may change.

        A slice that nobody reads (no Service, FQDN: rules E1, E2) is not kept, and what it was before goes.
        When its label moves it to another Service, the old Service loses it (rule E1).
        """
        key = new.key
        old = self._slices.get(key)
        if old == new:
            return ()
        lost = self.remove(key) if old is not None else ()
        if new.address_type is None or not new.service_name:
            return lost
        service = new.service
        self._slices[key] = new
        siblings = self._by_service.get(service, ())
        self._by_service[service] = tuple(sorted((*siblings, new), key=attrgetter("name")))
        if any(endpoint.zone_hints for endpoint in new.endpoints):
            self._zone_hinted.add(key)
        return lost if service in lost else (*lost, service)

    def remove(self, key: NamespacedName) -> tuple[NamespacedName, ...]:
        """Forget a slice; the Service that loses it. An unknown slice is no change (rule E10)."""
        old = self._slices.pop(key, None)
        if old is None:
            return ()
        self._zone_hinted.discard(key)
        service = old.service
        siblings = tuple(one for one in self._by_service[service] if one is not old)
        if siblings:
            self._by_service[service] = siblings
        else:
            del self._by_service[service]
        return (service,)

    def of(self, service: NamespacedName) -> tuple[EndpointSlice, ...]:
        """The slices of ``service``, by name: slices themselves have no order (rule E7)."""
        return self._by_service.get(service, ())

    def zone_hinted(self) -> Iterator[NamespacedName]:
        """The Services that have a zone hint somewhere: those that this node's zone concerns (rule T4)."""
        return (self._slices[key].service for key in self._zone_hinted)

    def __contains__(self, key: NamespacedName) -> bool:
        return key in self._slices
