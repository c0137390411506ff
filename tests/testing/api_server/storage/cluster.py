"""A registry with everything under it, with a clock that stands still and chance that repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from userproxy.manifest.allocation import NODE_PORTS, ClusterIPAllocator, NodePortAllocator
from userproxy.manifest.kinds import NAMESPACE
from userproxy.manifest.service_allocation import ServiceAllocator
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.controllers import Controllers
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.settling import Settler
from userproxy.testing.api_server.storage.store import Store

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)


def new_registry(*cidrs: str, node_ports: range = NODE_PORTS) -> Registry:
    """A registry with its controllers and the namespace default."""
    addresses = ClusterIPAllocator(cidrs or ("10.96.0.0/16",))
    settler = Settler(ServiceAllocator(addresses, NodePortAllocator(node_ports)))
    registry = Registry(Store(), settler, lambda: NOW, Random(7))
    Controllers(registry)
    registry.create(NAMESPACE, "", {"metadata": {"name": "default"}})
    return registry


def refused(refusal: pytest.ExceptionInfo[StatusError]) -> tuple[int, str]:
    """Code and reason."""
    return refusal.value.code, refusal.value.reason
