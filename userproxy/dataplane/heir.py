"""What a process that takes over goes on with: which sockets it uses, and where flows and clients belong."""

from __future__ import annotations

import asyncio
import os
from _socket import socket as Socket
from collections.abc import Iterable

from userproxy.dataplane.binding import Move
from userproxy.dataplane.handover import (
    Affinities,
    FlowChange,
    FlowChanges,
    GivenDatagram,
    GivenFlow,
    HeldClient,
    Line,
)
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.intake import Intake
from userproxy.dataplane.tcp import TcpIntake
from userproxy.dataplane.udp_flow import UdpFlow
from userproxy.dataplane.udp_intake import UdpIntake

__all__ = ["Given", "Heir"]

Given = SharedListener | Line | Move | Affinities | GivenFlow | FlowChanges | HeldClient | GivenDatagram
"""Whatever a process may give to the next."""


class Heir:
    """The intakes of a dormant data plane. What is adopted is served when it wakes."""

    def __init__(self, intakes: Iterable[Intake]) -> None:
        self._by_socket: dict[tuple[int, int] | None, Intake] = {
            _identity(intake.sock): intake for intake in intakes
        }
        self._by_number: dict[int, Intake] = {}
        self._flows: dict[int, tuple[UdpIntake, UdpFlow]] = {}
        self.flows = 0
        """How many have come."""
        self.clients = 0
        """How many TCP clients have come that wait."""

    def unwanted(self, listeners: Iterable[SharedListener]) -> tuple[int, ...]:
        """Those of ``listeners`` that no intake uses."""
        numbers = []
        for listener in listeners:
            intake = self._by_socket.get(_identity(listener.sock))
            if intake is None:
                numbers.append(listener.number)
            else:
                self._by_number[listener.number] = intake
        return tuple(numbers)

    def adopt(self, item: Given) -> None:
        """Have what came, its socket too."""
        match item:
            case GivenFlow():
                self.adopt_flow(item)
            case Affinities():
                self.adopt_affinities(item)
            case FlowChanges():
                for change in item.changes:
                    self.change_flow(change)
            case HeldClient():
                self.adopt_client(item)
            case GivenDatagram():
                self.adopt_datagram(item)
            case SharedListener() | Line():
                item.sock.close()

    async def caught_up(self) -> None:
        """What is served by the other process is here: at once, as there are no workers to wait for."""

    async def completed(self) -> None:
        """What it had frozen is here too."""

    def adopt_flow(self, flow: GivenFlow) -> None:
        """Flows that have been idle longest come first."""
        self.flows += 1
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

    def adopt_affinities(self, affinities: Affinities) -> None:
        """Clients whose last connection is longest ago come first."""
        intake = self._by_number.get(affinities.listener)
        if isinstance(intake, TcpIntake | UdpIntake) and intake.service_port.affinity is not None:
            now = asyncio.get_running_loop().time()
            for client, endpoint, age_s in affinities.clients:
                intake.service_port.affinity.put(client, endpoint, now - age_s)

    def adopt_client(self, client: HeldClient) -> None:
        self.clients += 1
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


def _identity(sock: Socket) -> tuple[int, int] | None:
    """The same for every descriptor of one socket; None: it is closed, as nobody wanted it."""
    if sock.fileno() < 0:
        return None
    status = os.fstat(sock.fileno())
    return status.st_dev, status.st_ino
