"""The figures of port-forward, with where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ForwardLimits", "HalfClose"]


class HalfClose(StrEnum):
    """What becomes of a client's FIN while the pod goes on sending (rule C2)."""

    HOLD = "hold"
    """It waits for the pod's end: container runtimes cut a connection 1 s after a FIN from either side."""
    SEND = "send"
    """It is passed on at once."""


@dataclass(frozen=True, slots=True)
class ForwardLimits:
    """How much and how long. Tests pass their own."""

    pairs_per_upgrade: int = 32
    """Connections that share one upgraded connection: one that is not read holds up so many at most."""
    upgrades_per_pod: int = 8
    kept_bytes: int = 64 * 1024
    """Of what a client sends before the pod has answered; with more, no other pod can be tried."""
    unread_bytes: int = 1024 * 1024
    """Of one connection whose client does not read; with more, its upgrade is not read until it drains."""
    upgrade_timeout_s: float = 10.0
    """To make an upgrade, in all its ways; apart from the limits of rule B4."""
    idle_upgrade_s: float = 60.0
    """An upgrade without a connection is closed after this."""
    held_fin_idle_s: float = 60.0
    """A client's FIN that is held back goes to the pod once the pod has sent nothing for so long."""
    scarce_fin_idle_s: float = 0.25
    """The same once half of a pod's places are taken: each new connection then sends the oldest."""
    drain_fin_idle_s: float = 1.0
    """The same once no new connections come: a stop waits for those that are open."""
    settle_s: float = 1.0
    """How long to wait for the other stream of a pair to end: an error comes on one of its own."""
    remember_way_s: float = 600.0
    """How long a server is asked first in the way in which it took the last upgrade."""
    ping_s: float = 5.0
    """kubectl's own period."""
    dead_after_s: float = 15.0
    """Silence after a ping by which an upgrade is dead, where the server has answered one before."""
    first_backoff_s: float = 0.25
    longest_backoff_s: float = 5.0
    """Somebody waits for each dial, so an API server that is back shall be noticed soon."""
