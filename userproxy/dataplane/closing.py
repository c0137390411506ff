"""How a connection or flow ended, in two letters: who ended it, and in which phase.

The idea is HAProxy's termination state. docs/close-reasons.md says in words what each pair means; every
pair that the data plane can produce has a test that names it.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["GOOD_END", "Phase", "Who", "close_state"]


class Who(StrEnum):
    """Who ended it."""

    BOTH = "-"
    """Both sides, in order."""
    CLIENT = "C"
    """The client reset it or vanished."""
    ENDPOINT = "E"
    """The endpoint reset it, refused it, or did not answer in time."""
    NO_ENDPOINT = "N"
    STOP = "T"
    """A drain limit, or the proxy's stop."""
    IDLE = "I"
    LIMIT = "L"
    """A limit of ours."""
    ERROR = "X"
    """A fault of ours."""


class Phase(StrEnum):
    """What it was doing when it ended."""

    HOLDING = "H"
    DIALLING = "D"
    TRANSFERRING = "T"
    HALF_CLOSED = "F"
    OVER = "-"


GOOD_END = "--"
"""`close_state` of what both sides ended in order."""


def close_state(who: Who, phase: Phase) -> str:
    """The two letters."""
    return who + phase
