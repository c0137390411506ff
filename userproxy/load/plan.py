"""What one run shall do: frozen, and right once it exists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil

from userproxy.errors import ConfigError
from userproxy.load.arrivals import ARRIVALS, CONSTANT
from userproxy.load.targets import HTTP, TCP, UDP, Target

__all__ = ["DEFAULT_IN_FLIGHT", "DEFAULT_SIZE_BYTES", "MAX_CONNECTIONS", "Naming", "Plan"]

MAX_CONNECTIONS = 60_000
"""About as many as one address can have to one port."""
DEFAULT_IN_FLIGHT = 1024
DEFAULT_SIZE_BYTES = 64
MIN_RATE = 1e-6
"""A request in eleven days; a plan lasts a week at most."""
MAX_STEPS = 3600
MAX_RATE = 10_000_000.0
MAX_SIZE_BYTES = {TCP: 16 * 1024 * 1024, UDP: 65_507}
"""Of a message; that of UDP is what an IPv4 datagram holds (RFC 768)."""
MIN_SIZE_BYTES = {TCP: 1, UDP: 16}
"""Of a message; a datagram has a mark, a flow and a number in it."""


class Naming(Enum):
    """How an answer says who gave it."""

    NONE = "none"
    FIRST_LINE = "first-line"
    """HTTP: of the body; TCP: a line that the server says when a connection is made."""
    PREFIX = "prefix"
    """UDP: a name and a colon before the datagram."""
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Plan:
    """Raises ConfigError when made of values that make no sense together."""

    target: Target
    connections: int = 64
    """For UDP flows: sockets of their own."""
    rate: float | None = None
    """Requests a second in open loop; None: closed loop."""
    arrivals: str = CONSTANT
    duration_s: float = 10.0
    warm_up_s: float = 1.0
    timeout_s: float = 10.0
    in_flight: int = DEFAULT_IN_FLIGHT
    """UDP in open loop: datagrams that may wait for their answer at once."""
    size_bytes: int = DEFAULT_SIZE_BYTES
    keep_alive: bool = True
    naming: Naming = Naming.NONE
    naming_header: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    max_answer_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.rate is not None and not MIN_RATE <= self.rate <= MAX_RATE:
            raise ConfigError(f"--rate {self.rate:g}: must be above 0: {MIN_RATE:g} to {MAX_RATE:g} a second")
        if self.arrivals not in ARRIVALS:
            raise ConfigError(f"--arrivals {self.arrivals}: must be one of {', '.join(ARRIVALS)}")
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            raise ConfigError(f"--connections {self.connections}: must be from 1 to {MAX_CONNECTIONS}")
        if self.in_flight < 1:
            raise ConfigError(f"--in-flight {self.in_flight}: must be at least 1")
        self._check_scheme()

    def _check_scheme(self) -> None:
        scheme = self.target.scheme
        if (
            scheme in MAX_SIZE_BYTES
            and not MIN_SIZE_BYTES[scheme] <= self.size_bytes <= MAX_SIZE_BYTES[scheme]
        ):
            limits = f"{MIN_SIZE_BYTES[scheme]} to {MAX_SIZE_BYTES[scheme]} bytes for {scheme}"
            raise ConfigError(f"--size {self.size_bytes}: must be from {limits}")
        namings = {
            HTTP: (Naming.FIRST_LINE, Naming.HEADER),
            TCP: (Naming.FIRST_LINE,),
            UDP: (Naming.PREFIX,),
        }[scheme]
        if self.naming is not Naming.NONE and self.naming not in namings:
            usable = ", ".join(naming.value for naming in (*namings, Naming.NONE))
            raise ConfigError(f"--answered-by {self.naming.value}: for {scheme} it can be {usable}")

    @property
    def open_loop(self) -> bool:
        return self.rate is not None

    @property
    def step_s(self) -> int:
        """Of the time line: a second, or more in a run of hours, so that it stays bounded."""
        return max(1, ceil((self.warm_up_s + self.duration_s) / MAX_STEPS))

    @property
    def places(self) -> int:
        """Requests that one connection or flow may have in flight."""
        if self.target.scheme == UDP and self.open_loop:
            return max(1, self.in_flight // self.connections)
        return 1

    @property
    def model(self) -> str:
        """The first line of the output: what the figures mean."""
        things = {HTTP: "connections", TCP: "connections", UDP: "flows"}[self.target.scheme]
        if self.rate is None:
            return (
                f"closed loop: {self.connections} {things}, each sends when it has its answer;"
                " a target that stalls is asked less meanwhile"
            )
        return (
            f"open loop: {self.rate:g} requests/s, {self.arrivals} arrivals over {self.connections} {things},"
            f" at most {self.places * self.connections} in flight; latency is from the intended start"
        )
