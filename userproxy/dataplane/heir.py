"""What a process that takes over goes on with: which sockets it uses, and where flows and clients belong."""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Iterable

from userproxy.dataplane.handover import Affinities, FlowChange, GivenDatagram, GivenFlow, HeldClient
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.intake import Intake
from userproxy.dataplane.tcp import TcpIntake
from userproxy.dataplane.udp_flow import UdpFlow
from userproxy.dataplane.udp_intake import UdpIntake

__all__ = ["Heir"]


class Heir:
    """The intakes of a dormant data plane. What is adopted is served when it wakes."""

    def __init__(self, intakes: Iterable[Intake]) -> None:
        self._by_socket: dict[Socket, Intake] = {intake.sock: intake for intake in intakes}
        self._by_number: dict[int, Intake] = {}
        self._flows: dict[int, tuple[UdpIntake, UdpFlow]] = {}

    def unwanted(self, listeners: Iterable[SharedListener]) -> tuple[int, ...]:
        """Those of ``listeners`` that no intake uses."""
        numbers = []
        for listener in listeners:
            intake = self._by_socket.get(listener.sock)
            if intake is None:
                numbers.append(listener.number)
            else:
                self._by_number[listener.number] = intake
        return tuple(numbers)

    def adopt_flow(self, flow: GivenFlow) -> None:
        """Flows that have been idle longest come first."""
        intake = self._by_number.get(flow.listener)
        if not isinstance(intake, UdpIntake):
            flow.sock.close()
            return
        adopted = intake.adopt(flow.state, flow.sock)
        if adopted is not None:
            self._flows[flow.number] = intake, adopted

    def change_flow(self, change: FlowChange) -> None:
        """Before flows are adopted that have begun since."""
        intake, flow = self._flows.get(change.number, (None, None))
        if intake is None or flow is None or flow.is_over:
            return
        if change.state is None:
            intake.disown(flow)
        else:
            intake.change(flow, change.state)

    def adopt_affinities(self, affinities: Affinities, now: float) -> None:
        """Clients whose last connection is longest ago come first; ``now`` is the loop's time."""
        intake = self._by_number.get(affinities.listener)
        if isinstance(intake, TcpIntake | UdpIntake) and intake.service_port.affinity is not None:
            for client, endpoint, age_s in affinities.clients:
                intake.service_port.affinity.put(client, endpoint, now - age_s)

    def adopt_client(self, client: HeldClient) -> None:
        intake = self._by_number.get(client.listener)
        if isinstance(intake, TcpIntake):
            intake.adopt(client.sock, client.address, client.left_s)
        else:
            client.sock.close()

    def adopt_datagram(self, datagram: GivenDatagram) -> None:
        """Clients that have waited longest come first."""
        intake = self._by_number.get(datagram.listener)
        if isinstance(intake, UdpIntake):
            intake.adopt_waiting(datagram.client, datagram.payload, datagram.age_s)
