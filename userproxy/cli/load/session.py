"""Runs of load by this process, with a line about how it goes for a person who waits."""

from __future__ import annotations

import contextlib
import gc
import resource
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from userproxy.cli.limits import raise_descriptor_limit
from userproxy.errors import ConfigError
from userproxy.load.addresses import resolve
from userproxy.load.generator import Generator
from userproxy.load.plan import Plan
from userproxy.load.result import Result
from userproxy.load.tally import Second
from userproxy.load.time_line import live_line

__all__ = ["Session"]

OTHER_DESCRIPTORS = 64
"""What is open besides connections, and those that are closing."""


class Session:
    """The target's name is resolved once, here; every run goes to the address that was found.

    Raises ConfigError when the connections are more than may be open, UserproxyError for a name without an
    address.
    """

    def __init__(self, plan: Plan) -> None:
        raise_descriptor_limit()
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if allowed != resource.RLIM_INFINITY and plan.connections + OTHER_DESCRIPTORS > allowed:
            raise ConfigError(
                f"--connections {plan.connections}: this process may open {allowed} descriptors (ulimit -n)"
            )
        self._family, self._address, self.address = resolve(plan.target)
        self.signal = 0
        """The signal that ended a run early; 0 without one."""
        self._second = 0

    def run(self, plan: Plan) -> Result:
        """One run; SIGINT and SIGTERM end it early, a second one at once."""
        generator = Generator(plan, self._family, self._address)
        gc.collect()
        gc.freeze()  # what is there now stays; a collection looks at the rest alone
        with self._signals(generator), self._live():
            return generator.run(plan.target.url, self.address, self._each_tick)

    @contextlib.contextmanager
    def _signals(self, generator: Generator) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            self.signal = number
            generator.stop = True
            signal.signal(number, signal.SIG_DFL)

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _each_tick(self, elapsed_s: float, seconds: list[Second]) -> None:
        over = len(seconds) - 1
        if over > self._second and self._is_watched:
            self._second = over
            print(f"\r\x1b[K{live_line(over, seconds[over - 1])}", end="", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def _live(self) -> Iterator[None]:
        """The line is taken away at the end."""
        self._second = 0
        self._is_watched = sys.stderr.isatty()
        try:
            yield
        finally:
            if self._is_watched:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
