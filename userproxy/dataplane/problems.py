"""What the data plane has to report: addresses that are taken, endpoints that lead back to us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from userproxy.dataplane.loops import OwnAddresses
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.model.routes import Endpoint, Route, RouteKey

__all__ = ["looping", "taken"]


def taken(reasons: Mapping[RouteKey, str], routes: Mapping[RouteKey, Route]) -> Iterator[Problem]:
    """Rule L4: who has no address, and why."""
    for key, reason in reasons.items():
        route = routes[key]
        address = Endpoint.of(route.listen_host, route.listen_port).name
        message = f"cannot listen: {reason}; retried, everything else works"
        yield _problem(key, "spec.ports", address, "L4", message)


def looping(own: OwnAddresses, routes: Mapping[RouteKey, Route]) -> Iterator[Problem]:
    """Rule L8."""
    for key in sorted(own.naming_own()):
        for endpoint in own.loops(routes[key]):
            message = "leads back to userproxy itself: not used"
            yield _problem(key, "endpoints", endpoint.name, "L8", message)


def _problem(key: RouteKey, field: str, value: str, rule: str, message: str) -> Problem:
    ref = ObjectRef("Service", key.name.namespace, key.name.name)
    port = f" (port {key.name.port_name or key.name.protocol}, {key.family})"
    return Problem(ref, field, value, rule, message + port, Severity.WARNING)
