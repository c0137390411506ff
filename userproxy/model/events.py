"""What a source says: the alphabet between ``sources`` and ``routing``."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.model.endpoints import EndpointSlice
from userproxy.model.names import ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem
from userproxy.model.service import Service

__all__ = ["Delete", "Event", "KubeObject", "Mark", "Rejected", "SourceProblems", "Synced", "Upsert"]

KubeObject = Service | EndpointSlice | Node


@dataclass(frozen=True, slots=True)
class Upsert:
    """This is the object now. ``problems`` replaces all that was said of the object before."""

    object: KubeObject
    problems: tuple[Problem, ...] = ()

    @property
    def ref(self) -> ObjectRef:
        return self.object.ref


@dataclass(frozen=True, slots=True)
class Rejected:
    """A version of the object was refused whole; a good earlier one goes on, shown as stale (rule D7)."""

    ref: ObjectRef
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """The object is gone, and with it all that was said of it. Unknown objects are no change (rule E10)."""

    ref: ObjectRef


@dataclass(frozen=True, slots=True)
class SourceProblems:
    """What is wrong with ``source`` itself (a file, a watch); replaces what was said of it before."""

    source: ObjectRef
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Synced:
    """All that existed at the start has been said; nothing is served before this (rule R2)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Comes back out of ``Source.events`` behind everything that the source held when it was asked."""

    token: object


Event = Upsert | Rejected | Delete | SourceProblems | Synced | Mark
