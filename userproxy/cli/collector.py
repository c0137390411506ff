"""The garbage collector while a process starts."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rare_collections"]

_YOUNG, _YOUNG_ROUNDS = 20_000, 1_000
"""New objects between two looks at them, of a few milliseconds each; then looks before the older ones' turn,
which would take a hundred."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """What is made meanwhile lives long: the collector looks at it once while it comes, and never again."""
    usual = gc.get_threshold()
    gc.set_threshold(_YOUNG, _YOUNG_ROUNDS)
    try:
        yield
        gc.freeze()
    finally:
        gc.set_threshold(*usual)
