"""What one process gives to the next: bound sockets, UDP flows, and clients that wait for an endpoint.

Both processes have the same sockets for a while: a descriptor is duplicated, the socket behind it is one. So
whatever is done to it counts in both. Until the successor has all, the giver changes nothing that it could
not take back (`resume`), and afterwards it gives its copies up without touching what they stand for
(`release`): a shut-down listener would be shut down for the successor too.
"""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

from userproxy.dataplane.binding import Bindings, Move
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.intake import Intake
from userproxy.dataplane.runtime import Runtime
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.tcp import TcpIntake
from userproxy.dataplane.udp_clients import Address
from userproxy.dataplane.udp_flow import FlowState, UdpFlow
from userproxy.dataplane.udp_intake import UdpIntake
from userproxy.model.routes import Endpoint

__all__ = [
    "Affinities",
    "FlowChange",
    "FlowChanges",
    "GivenDatagram",
    "GivenFlow",
    "Handover",
    "HeldClient",
    "Line",
]

CHANGES_AT_ONCE = 500
CLIENTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class GivenFlow:
    """A UDP flow of the listener ``listener``."""

    number: int
    """Its name between the two processes."""
    listener: int
    state: FlowState
    sock: Socket
    """Connected to the endpoint."""


@dataclass(frozen=True, slots=True)
class Affinities:
    """Clients of the listener ``listener`` with the endpoints that they had last, and how long ago, in s."""

    listener: int
    clients: tuple[tuple[str, Endpoint, float], ...]


@dataclass(frozen=True, slots=True)
class FlowChange:
    """What has become of a flow since it was given; None: it has ended."""

    number: int
    state: FlowState | None


@dataclass(frozen=True, slots=True)
class FlowChanges:
    """Many in one, as there may be thousands and UDP waits for them."""

    changes: tuple[FlowChange, ...]


@dataclass(frozen=True, slots=True)
class HeldClient:
    """A TCP client of the listener ``listener`` that waits for an endpoint; nothing was read from it."""

    listener: int
    address: str
    left_s: float
    """How long it may wait still."""
    sock: Socket


@dataclass(frozen=True, slots=True)
class GivenDatagram:
    """A datagram that waits for an endpoint."""

    listener: int
    client: Address
    age_s: float
    """How long its client has waited."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """The way to a worker of the old process, for the worker of the new one that has the same number."""

    worker: int
    sock: Socket


class Handover:
    """One attempt. The order: `listeners`, `traffic`, `freeze`, `traffic_since`, then `release` or `resume`.

    Flows are given while they are served, since there may be many; once they are frozen, what has changed.
    """

    def __init__(self, runtime: Runtime, bindings: Bindings, ports: Iterable[ServicePort]) -> None:
        self._runtime = runtime
        self._bindings = bindings
        self._intakes = {
            number: (port, port.intake) for number, port in enumerate(ports) if port.intake is not None
        }
        self._frozen: dict[int, Intake] = {}
        self._given: dict[UdpFlow, int] = {}
        self._affinities_given_at = float("-inf")

    def listeners(self) -> tuple[SharedListener, ...]:
        """Every bound socket of a service port that is served."""
        return tuple(
            SharedListener(number, port.key, intake.host, intake.port, intake.sock)
            for number, (port, intake) in self._intakes.items()
        )

    def traffic(self) -> Iterator[Affinities | GivenFlow]:
        """What there is while all of it is served."""
        yield from self.affinities()
        yield from self.flows()

    def traffic_since(self) -> Iterator[Affinities | FlowChanges | GivenFlow | HeldClient | GivenDatagram]:
        """Once it is frozen: what has changed, what is new, and who waits."""
        yield from self.affinities()
        yield from self.flow_changes()
        yield from self.flows()
        yield from self.held_clients()
        yield from self.held_datagrams()

    def moves(self) -> tuple[Move, ...]:
        return self._bindings.moves()

    def freeze(self, unwanted: Collection[int]) -> None:
        """Leave UDP and waiting clients alone from here on. Listeners of TCP go on accepting.

        ``unwanted`` listeners are none of the successor's: all of them is ours until `release`.
        """
        self._frozen = {
            number: intake for number, (_, intake) in self._intakes.items() if number not in unwanted
        }
        self._runtime.udp.pause()
        for intake in self._frozen.values():
            intake.freeze()

    def affinities(self) -> Iterator[Affinities]:
        """Of all clients, then at each later call of those that have connected since (rule B2)."""
        now = self._runtime.loop.time()
        since_s, self._affinities_given_at = self._affinities_given_at, now
        for number, (port, _) in self._intakes.items():
            if port.affinity is not None:
                rows = [
                    (client, endpoint, now - last_s)
                    for client, endpoint, last_s in port.affinity.since(since_s)
                ]
                for first in range(0, len(rows), CLIENTS_AT_ONCE):
                    yield Affinities(number, tuple(rows[first : first + CLIENTS_AT_ONCE]))

    def flows(self) -> Iterator[GivenFlow]:
        """Those that were not given yet; the one that has been idle longest comes first."""
        flows = [
            (flow.last_s, number, flow)
            for number, (_, intake) in self._intakes.items()
            if isinstance(intake, UdpIntake) and (not self._frozen or number in self._frozen)
            for flow in intake.open_traffic()
            if flow not in self._given
        ]
        for _, number, flow in sorted(flows, key=itemgetter(0)):
            if not flow.is_over:  # whoever takes them takes their time
                name = self._given[flow] = len(self._given)
                yield GivenFlow(name, number, flow.state(self._runtime.loop.time()), flow.sock)

    def flow_changes(self) -> Iterator[FlowChanges]:
        """What has become of the flows that were given."""
        now = self._runtime.loop.time()
        changes = [
            FlowChange(number, None if flow.is_over else flow.state(now))
            for flow, number in self._given.items()
        ]
        for first in range(0, len(changes), CHANGES_AT_ONCE):
            yield FlowChanges(tuple(changes[first : first + CHANGES_AT_ONCE]))

    def held_clients(self) -> Iterator[HeldClient]:
        for number, intake in self._frozen.items():
            if isinstance(intake, TcpIntake):
                for connection in intake.shared:
                    yield HeldClient(number, connection.address, connection.held_for_s(), connection.sock)

    def held_datagrams(self) -> Iterator[GivenDatagram]:
        """In the order in which they came, of each client."""
        for number, intake in self._frozen.items():
            if isinstance(intake, UdpIntake):
                for client, age_s, datagrams in intake.waiting():
                    for payload in datagrams:
                        yield GivenDatagram(number, client, age_s, payload)

    def resume(self) -> None:
        """The successor is gone: go on as if it had never been there."""
        for intake in self._frozen.values():
            intake.thaw()
        self._frozen = {}
        self._runtime.udp.resume()

    def release(self) -> None:
        """The successor serves. What it did not want stops as usual, and serves its queue (rule L6)."""
        for number, (_, intake) in self._intakes.items():
            if number in self._frozen:
                intake.release()
            else:
                intake.stop()
        self._runtime.udp.resume()
