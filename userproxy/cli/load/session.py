"""Runs of load by this process or several, with a line about how it goes for a person who waits."""

from __future__ import annotations

import contextlib
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Protocol

from userproxy.cli.limits import raise_descriptor_limit
from userproxy.errors import ConfigError
from userproxy.load.addresses import resolve
from userproxy.load.crew import Crew, shares_of
from userproxy.load.event_log import STANDARD_INPUT, EventLog, LogFile, NoLog, StandardInput
from userproxy.load.farewells import MOST
from userproxy.load.generator import Generator
from userproxy.load.plan import Plan
from userproxy.load.result import Result
from userproxy.load.tally import Second
from userproxy.load.time_line import live_line

__all__ = ["Session", "event_log"]

OTHER_DESCRIPTORS = 64 + MOST
"""What is open besides connections, with those that their servers shall close."""


class _Runner(Protocol):
    stop: bool

    def run(self, url: str, address: str, each_tick: Callable[[float, list[Second]], None]) -> Result: ...


def event_log(path: str | None) -> EventLog:
    """What ``--events`` names. Raises ConfigError when it cannot be read."""
    if path is None:
        return NoLog()
    return StandardInput() if path == STANDARD_INPUT else LogFile(Path(path))


class Session:
    """The target's name is resolved once, here; every run goes to the address that was found.

    Raises ConfigError when there are more connections than may be open, or fewer than processes,
    UserproxyError for a name without an address.
    """

    def __init__(
        self, plan: Plan, processes: int = 1, *, family: int = socket.AF_UNSPEC, events: EventLog
    ) -> None:
        raise_descriptor_limit()
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        wanted = max(share.connections for share in shares_of(plan, processes)) + OTHER_DESCRIPTORS
        if allowed != resource.RLIM_INFINITY and wanted > allowed:
            raise ConfigError(
                f"--connections {plan.connections}: a process may open {allowed} descriptors (ulimit -n)"
            )
        self._family, self._address, self.address = resolve(plan.target, family)
        self._processes = processes
        self._events = events
        self.signal = 0
        """The signal that ended a run early; 0 without one."""
        self._second = 0
        self._step_s = 1

    def run(self, plan: Plan) -> Result:
        """One run; SIGINT and SIGTERM end it early, a second one at once."""
        runner: _Runner
        self._step_s = plan.step_s
        if self._processes > 1:
            runner = Crew(plan, self._processes, self._family, self._address)
        else:
            runner = Generator(plan, self._family, self._address)
            gc.collect()
            gc.freeze()  # what is there now stays; a collection looks at the rest alone
        with self._signals(runner), self._live():
            result = runner.run(plan.target.url, self.address, self._each_tick)
        self._events.poll()
        result.marks = [mark for mark in self._events.marks if mark.at_s >= result.began_s]
        return result

    @contextlib.contextmanager
    def _signals(self, runner: _Runner) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            self.signal = number
            runner.stop = True
            signal.signal(number, signal.SIG_DFL)

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _each_tick(self, elapsed_s: float, seconds: list[Second]) -> None:
        self._events.poll()
        over = len(seconds) - 1
        if over > self._second and sys.stderr.isatty():
            self._second = over
            live = live_line(over * self._step_s, seconds[over - 1], self._step_s)
            print(f"\r\x1b[K{live}", end="", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def _live(self) -> Iterator[None]:
        """The line is taken away at the end."""
        self._second = 0
        try:
            yield
        finally:
            if sys.stderr.isatty():
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
