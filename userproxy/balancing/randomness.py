"""The one thing that pickers ask of randomness."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Random"]


class Random(Protocol):
    """What `random.Random` offers and pickers need; tests pass a seeded or scripted one."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to ``stop`` - 1, each as likely as any other."""
        ...
