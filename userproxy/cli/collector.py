"""Python's garbage collector in a process that serves: no step of it may stop the loop for long."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collect_in_short_steps", "rare_collections"]

_NEW, _ROUNDS, _OLD_ROUNDS = 3_000, 10, 100
"""New objects between two looks at them (1 ms), such looks between two at what survived (10 ms), and those
between two at everything: 0.1 s and more, which Python's own figures cause while a large file is read."""
_NEW_AT_START, _ROUNDS_AT_START = 8_000, 2_500
"""3 ms; and then no look at what survived, as nearly all of it does."""


def collect_in_short_steps() -> None:
    """For the rest of this process."""
    gc.set_threshold(_NEW, _ROUNDS, _OLD_ROUNDS)


@contextmanager
def rare_collections() -> Iterator[None]:
    """What is made meanwhile lives long: the collector looks at it once while it comes, and never again."""
    usual = gc.get_threshold()
    gc.set_threshold(_NEW_AT_START, _ROUNDS_AT_START)
    try:
        yield
        gc.freeze()
    finally:
        gc.set_threshold(*usual)
