"""How each endpoint is reached from here: at its address, through its Pod, or not at all.

The pods of most clusters have addresses that mean nothing on another machine, or something else there. So
from outside of a cluster an endpoint is dialled at its address only where that was asked for, and else by a
port-forward through the API server, which knows Pods and carries TCP alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from userproxy.model.names import Protocol
from userproxy.model.routes import Endpoint
from userproxy.routing.candidates import Candidate
from userproxy.routing.node import NodeFacts
from userproxy.routing.selection import Selection
from userproxy.settings import DialMode

__all__ = ["DIRECT", "Reach", "ReachPolicy", "Way", "reachable"]

UDP_UNREACHABLE = "UDP: port-forward carries TCP only"
NO_POD = "no Pod behind this address: port-forward cannot reach it"


class Way(NamedTuple):
    """The way to one endpoint. Of the two texts at most one says something; none: it is dialled directly."""

    pod: str = ""
    """The Pod that a port-forward leads to, in the Service's namespace."""
    unreachable: str = ""
    """Why there is no way."""

    def __str__(self) -> str:
        return f"pod {self.pod}" if self.pod else "direct"


DIRECT = Way()


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways from a host that is outside of the cluster."""

    direct_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses that are the cluster's here too."""
    own_loopback: bool = True
    """A loopback address without a Pod is this host's: no real API server takes such endpoints."""

    def way(self, candidate: Candidate, protocol: Protocol) -> Way:
        """How ``candidate`` is reached."""
        ip, pod = candidate.endpoint.ip, candidate.conditions.pod
        if self.direct_cidrs and self._is_direct(ip):
            return DIRECT
        if not pod:
            return DIRECT if self.own_loopback and ip_address(ip).is_loopback else Way(unreachable=NO_POD)
        return Way(pod) if protocol is Protocol.TCP else Way(unreachable=UDP_UNREACHABLE)

    def _is_direct(self, ip: str) -> bool:
        address = ip_address(ip)
        return any(address in network for network in self.direct_cidrs)


def _never(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ReachPolicy:
    """What was asked for, and what this host is. Without arguments everything is dialled directly."""

    mode: DialMode = DialMode.AUTO
    direct_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    remote: bool = False
    """The objects come from an API server by a kubeconfig or URL: perhaps from outside of its cluster."""
    is_own_address: Callable[[str], bool] = _never
    """Whether an address is one of this host's."""

    def reach(self, node: NodeFacts) -> Reach | None:
        """How endpoints are reached, with ``node`` as last seen; None: all are dialled directly.

        In mode auto a host with an InternalIP of the Node of its name is in the cluster.
        """
        if self.mode is DialMode.DIRECT:
            return None
        if self.mode is DialMode.AUTO and (
            not self.remote or any(self.is_own_address(ip) for ip in node.internal_ips)
        ):
            return None
        return Reach(self.direct_cidrs, own_loopback=self.mode is DialMode.AUTO)


def reachable(
    selection: Selection, found: Iterable[Candidate], protocol: Protocol, reach: Reach
) -> Selection:
    """``selection`` of ``found`` without what cannot be reached, and with the Pods of what can.

    It follows the selection: an endpoint that cannot be reached does not make way for one that would not
    be used.
    """
    ways = {one.endpoint: reach.way(one, protocol) for one in found}

    def kept(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
        return tuple([endpoint for endpoint in endpoints if not ways[endpoint].unreachable])

    used = sorted({*(selection.cluster or ()), *(selection.local or ())})
    return selection._replace(
        cluster=None if selection.cluster is None else kept(selection.cluster),
        local=None if selection.local is None else kept(selection.local),
        serving=kept(selection.serving),
        pods=tuple([(endpoint.name, ways[endpoint].pod) for endpoint in used if ways[endpoint].pod]),
        unreachable={one.name: ways[one].unreachable for one in used if ways[one].unreachable},
    )
