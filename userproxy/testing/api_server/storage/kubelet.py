"""What a scheduler and a kubelet do to a new Pod, done here at once: an address, and it runs and is ready."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Network

from userproxy.manifest.kinds import POD
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.identity import timestamp
from userproxy.testing.api_server.storage.paths import at, objects_at
from userproxy.testing.api_server.storage.store import Store

__all__ = ["POD_NETWORK", "Kubelet"]

POD_NETWORK = IPv4Network("198.18.0.0/15")
"""Addresses of Pods: no network routes them (RFC 2544, appendix C.2.2), as those of a cluster are not routed
on a laptop."""

_CONDITIONS = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


class Kubelet:
    """Gives each new Pod a status. Addresses are used again only once all have been used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last = 0

    def started(self, raw: RawObject, now: datetime) -> dict[str, object]:
        """``raw``, a Pod that was just created, as one that runs."""
        time = timestamp(now)
        ip = self._free_address()
        status: dict[str, object] = {
            "phase": "Running",
            "conditions": [
                {"type": each, "status": "True", "lastTransitionTime": time} for each in _CONDITIONS
            ],
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "startTime": time,
            "containerStatuses": [
                _running(container, time) for container in objects_at(raw, "spec", "containers")
            ],
        }
        return {**raw, "status": status}

    def _free_address(self) -> str:
        taken = {at(raw, "status", "podIP") for raw in self._store.objects(POD)}
        while True:
            self._last = self._last % (POD_NETWORK.num_addresses - 2) + 1
            address = str(POD_NETWORK[self._last])
            if address not in taken:
                return address


def _running(container: Mapping[str, object], time: str) -> dict[str, object]:
    return {
        "name": container.get("name"),
        "image": container.get("image") or "",
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": time}},
    }
