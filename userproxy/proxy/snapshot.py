"""What a proxy says of itself, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem

__all__ = ["Address", "Snapshot"]


class Address(NamedTuple):
    """Where a service port is reached: what `socket.create_connection` takes."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a proxy serves now."""

    generation: int
    """Number of the table; grows with each change."""
    synced: bool
    """The source has said all that existed at the start (rule R2)."""
    ports: tuple[PortSnapshot, ...]
    problems: tuple[Problem, ...]
    stale: tuple[ObjectRef, ...]
    """Objects served from an earlier version, because the last one was refused (rule D7)."""
