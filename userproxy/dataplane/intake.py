"""What takes in a service port's traffic at one address: the seam between `ServicePort` and TCP or UDP."""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from userproxy.dataplane.closing import Who
from userproxy.model.routes import Endpoint

__all__ = ["Intake", "ListenerState", "Traffic"]


class ListenerState(StrEnum):
    """As the table shows it."""

    LISTENING = "listening"
    REFUSING = "refusing"
    """Nothing to send to: the kernel refuses at once (rule T8)."""
    HOLDING = "holding"
    """Nothing to send to, and new connections wait (rule L9)."""
    TAKEN = "taken"
    """The address belongs to another socket; retried (rule L4)."""
    DRAINING = "draining"
    """The Service is gone or the proxy stops; what is open lives on (rule L6)."""


class Traffic(Protocol):
    """One open connection or flow, as snapshots read it."""

    @property
    def started(self) -> float:
        """By the loop's clock."""
        ...

    @property
    def is_over(self) -> bool: ...

    @property
    def client_name(self) -> str:
        """As `traffic.TrafficSnapshot.client`."""
        ...

    @property
    def state_name(self) -> str:
        """As `traffic.TrafficSnapshot.state`."""
        ...

    @property
    def endpoint(self) -> Endpoint | None: ...

    @property
    def bytes_to_endpoint(self) -> int: ...

    @property
    def bytes_to_client(self) -> int: ...


class Intake(Protocol):
    """Owns one bound socket and all connections or flows that came in by it.

    It reads its service port's current route, picker and counters when it needs them and keeps no copy.
    """

    host: str
    port: int
    reason: str
    """Why not at the stated number (rule L1); "" when it is."""

    @property
    def state(self) -> ListenerState:
        """LISTENING, REFUSING or HOLDING; DRAINING after `stop`; TAKEN when listening again failed."""
        ...

    def route_changed(self) -> None:
        """Listen, refuse or hold as the route wants now; let waiters through; limit what is left behind."""
        ...

    def take_queued(self) -> None:
        """Nothing can be sent from now on: take in what has come so far, by the last route (rule L6)."""
        ...

    def limit_drain(self) -> None:
        """The Service is gone: whatever is open may go on for its drain limit (rules C1, L6)."""
        ...

    def stop(self) -> None:
        """Take in nothing more, for good: what is queued is served first, what is open lives on (rule L6)."""
        ...

    def cut_waiting(self, who: Who) -> None:
        """End what still waits for an endpoint, since none will come."""
        ...

    def cut(self, who: Who) -> int:
        """End what is open now, by reset; returns how many that were. Also stops."""
        ...

    @property
    def sock(self) -> Socket:
        """The bound socket, to be duplicated for another process."""
        ...

    def freeze(self) -> None:
        """Change nothing that another process may have taken over by now, until `thaw` or `release`."""
        ...

    def thaw(self) -> None: ...

    def release(self) -> None:
        """`stop`, for a socket that goes on in another process: nothing about it changes, nothing is read."""
        ...

    def open_traffic(self) -> Iterator[Traffic]:
        """What is open now."""
        ...

    def __len__(self) -> int:
        """How many connections or flows are open."""
        ...
