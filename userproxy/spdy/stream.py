"""The state of one stream."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Stream"]


@dataclass(slots=True)
class Stream:
    """What may still happen on a stream; with nothing left in either direction it is forgotten."""

    ours: bool
    """We opened it, and the peer replies; else the other way round."""
    sends: bool = True
    receives: bool = True
    replied: bool = False
