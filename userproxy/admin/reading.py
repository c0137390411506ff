"""What a proxy says of itself, read in steps: traffic has its turns between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from userproxy.admin.status_form import key_form, status_rows
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.dataplane.traffic import TrafficSnapshot
from userproxy.discovery import Served
from userproxy.explain import explain
from userproxy.model.names import NamespacedName, owner
from userproxy.model.routes import RouteKey
from userproxy.proxy import Proxy

__all__ = ["Wanted", "connections", "served", "status"]

PORTS_PER_STEP = 128


class Wanted:
    """Which Services are asked for: of one namespace or all, of one name or any."""

    def __init__(self, namespace: str = "", service: str = "") -> None:
        self._namespace = namespace
        self._service = service

    def __contains__(self, name: object) -> bool:
        assert isinstance(name, NamespacedName)
        return self._namespace in ("", name.namespace) and self._service in ("", name.name, owner(name).name)

    def keys(self, proxy: Proxy) -> list[RouteKey]:
        """The service ports of these, in order."""
        return sorted(key for key in proxy.sockets.known() if key.name.service in self)


async def status(proxy: Proxy, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
    """See `status_rows`."""
    by_service: dict[NamespacedName, list[RouteKey]] = {}
    for key in wanted.keys(proxy):
        by_service.setdefault(owner(key.name.service), []).append(key)
    for name in proxy.services:
        if name in wanted:
            by_service.setdefault(name, [])
    for name in sorted(by_service):
        ports = proxy.sockets.snapshot(frozenset(by_service[name]))
        rows = explain(proxy.state, name)
        asked = [row for row in rows if NamespacedName(row.namespace, row.service) in wanted]
        for one in status_rows(asked, ports):
            yield one
        await asyncio.sleep(0)


async def connections(proxy: Proxy, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
    """All that is open, oldest first in each service port."""
    keys = wanted.keys(proxy)
    for start in range(0, len(keys), PORTS_PER_STEP):
        step = keys[start : start + PORTS_PER_STEP]
        found: dict[RouteKey, list[TrafficSnapshot]] = {key: [] for key in step}
        for one in await proxy.traffic(frozenset(step)):
            found[one.key].append(one)
        for opened in found.values():
            for one in sorted(opened, key=lambda one: -one.age_s):
                yield _connection(one)
        await asyncio.sleep(0)


def _connection(one: TrafficSnapshot) -> dict[str, Any]:
    return {
        **key_form(one.key),
        "client": one.client,
        "endpoint": one.endpoint or None,
        "reached": (f"pod {one.pod}" if one.pod else "direct") if one.endpoint else None,
        "bytes_to_endpoint": one.bytes_to_endpoint,
        "bytes_to_client": one.bytes_to_client,
        "age_s": round(one.age_s, 3),
        "state": one.state,
    }


async def served(proxy: Proxy) -> Served:
    """By name, with the addresses of now."""
    keys = Wanted().keys(proxy)
    ports: list[PortSnapshot] = []
    for start in range(0, len(keys), PORTS_PER_STEP):
        ports.extend(proxy.sockets.snapshot(frozenset(keys[start : start + PORTS_PER_STEP])))
        await asyncio.sleep(0)
    return Served.of(ports, proxy.services)
