"""The figures of the watch, and the clock, sleep and randomness it runs on. Tests pass their own."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take. Defaults cite where they come from."""

    connect_timeout_s: float = 10.0
    """Name look-up, TCP and TLS together."""
    list_silence_s: float = 70.0
    """Longest silence within a list; the API server itself ends a request after 60 s."""
    list_timeout_s: float = 300.0
    """One page of a list, from request to last byte; bounds a server that drips."""
    watch_timeout_s: tuple[int, int] = (300, 600)
    """Range of the random ``timeoutSeconds`` of a watch (rule R4)."""
    watch_slack_s: float = 15.0
    """A watch that is silent for this much longer than its own time-out is dead (rule R9)."""
    short_watch_s: float = 1.0
    """A watch that ends sooner, without an event, is an error (rule R5)."""
    longest_retry_after_s: float = 300.0
    """A Retry-After beyond this is cut: a slip of a server must not stop the watch for a day."""
    node_wait_s: float = 3.0
    """How long the Node's first answer may hold up Synced, once all else is listed."""
    say_again_s: float = 60.0
    """How often it is said again that the server is unreachable."""
    step_s: float = 0.002
    """Decoding yields to the loop after this. Several collections may each take a step in one turn of the
    loop, which stays under 10 ms (design, 11)."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """Uniform in [0, 1)."""

    def watch_seconds(self) -> int:
        """``timeoutSeconds`` of the next watch, spread so that a cluster's watches do not end together."""
        shortest, longest = self.watch_timeout_s
        return shortest + int(self.random() * (longest - shortest + 1))
