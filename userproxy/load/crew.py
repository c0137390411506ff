"""One load by several processes: each has its share, and the results add up.

A child ends with its parent: each holds the reading end of a pipe that only the parent writes to. The word to
begin comes over it, so that all begin at once, and the word to stop.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from userproxy.errors import ConfigError, UserproxyError
from userproxy.load.generator import Generator
from userproxy.load.histogram import COARSE_BITS, Histogram
from userproxy.load.json_form import from_json, to_json
from userproxy.load.plan import Plan
from userproxy.load.reactor import READS
from userproxy.load.result import Result, merge
from userproxy.load.tally import Second
from userproxy.load.tcp_exchange import SocketAddress

__all__ = ["Crew", "shares_of"]

TICK_S = 0.1
READ_BYTES = 1 << 16
_GO, _STOP, _READY = b"g", b"s", b"ready"


def shares_of(plan: Plan, processes: int) -> list[Plan]:
    """What each process does. Raises ConfigError when there are more processes than connections."""
    if processes > plan.connections:
        raise ConfigError(f"--processes {processes}: more than the {plan.connections} connections")
    each, more = divmod(plan.connections, processes)
    return [
        replace(
            plan,
            connections=each + (number < more),
            rate=None if plan.rate is None else plan.rate / processes,
            in_flight=max(1, plan.in_flight // processes),
        )
        for number in range(processes)
    ]


@dataclass(slots=True)
class _Child:
    pid: int
    said: int
    """Where its lines come from."""
    told: int
    """Where it is told things."""
    waiting: bytes = b""
    ready: bool = False
    result: Result | None = None


class Crew:
    """Made of the shares of one plan; `run` starts the processes and waits for them.

    This process must have no other thread: children are forked.
    """

    def __init__(self, plan: Plan, processes: int, family: int, address: SocketAddress) -> None:
        self._plan = plan
        self._shares = shares_of(plan, processes)
        self._family = family
        self._address = address
        self._children: list[_Child] = []
        self._seconds: list[Second] = []
        self._told: set[int] = set()
        self.stop = False
        """Set it to end early; the result says what was measured so far."""

    def run(self, url: str, address: str, each_tick: Callable[[float, list[Second]], None]) -> Result:
        """As `Generator.run`. Raises UserproxyError when a process ends without a result."""
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            for number in range(len(self._shares)):
                self._start(number, url, address)
            self._follow(each_tick)
        finally:
            # Children that still run see the end of the pipe, and end.
            for child in self._children:
                os.close(child.said)
                os.close(child.told)
            endings = [os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) for child in self._children]
        results = [child.result for child in self._children if child.result is not None]
        if len(results) < len(self._children):
            raise UserproxyError(
                f"a process of the load {_how(self._children, endings)}; nothing was measured"
            )
        return merge(results, model=self._plan.model)

    def _start(self, number: int, url: str, address: str) -> None:
        said, saying = os.pipe()
        listening, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            # Never return into the parent's code, whatever happens.
            try:
                for descriptor in (
                    said,
                    told,
                    *(end for child in self._children for end in (child.said, child.told)),
                ):
                    os.close(descriptor)
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                self._serve(number, url, address, listening, saying)
                os._exit(0)
            except BrokenPipeError:  # the parent is gone
                os._exit(1)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(saying)
        os.close(listening)
        self._children.append(_Child(pid, said, told))

    def _serve(self, number: int, url: str, address: str, listening: int, saying: int) -> None:
        """The child's whole life."""
        generator = Generator(
            self._shares[number], self._family, self._address, share=number, shares=len(self._shares)
        )
        sent = 0

        def word(_: int) -> None:
            try:
                said = os.read(listening, 1)
            except BlockingIOError:
                return  # the edge of a word that was read already
            if not said:
                os._exit(1)  # the parent is gone
            generator.stop = generator.stop or said == _STOP

        def begin() -> None:
            _say(saying, _READY)
            select.select((listening,), (), ())
            word(0)

        def tick(_: float, seconds: list[Second]) -> None:
            nonlocal sent
            for second in seconds[sent:-1]:
                _say(saying, json.dumps([second.answered, second.failed, second.latency.pairs()]).encode())
                sent += 1

        os.set_blocking(listening, False)
        generator.reactor.watch(listening, word, READS)
        gc.collect()
        gc.freeze()
        _say(saying, json.dumps(to_json(generator.run(url, address, tick, begin))).encode())

    def _follow(self, each_tick: Callable[[float, list[Second]], None]) -> None:
        """Until every child has said all, or one has ended without a result."""
        poll = select.poll()
        by_descriptor = {child.said: child for child in self._children}
        counted: dict[int, int] = dict.fromkeys(by_descriptor, 0)
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        open_ones = set(by_descriptor)
        while open_ones:
            for descriptor, _ in poll.poll(1000 * TICK_S):
                data = os.read(descriptor, READ_BYTES)
                child = by_descriptor[descriptor]
                if not data:
                    poll.unregister(descriptor)
                    open_ones.discard(descriptor)
                    if child.result is None:
                        return  # the others shall not go on for nothing
                    continue
                *lines, child.waiting = (child.waiting + data).split(b"\n")
                for line in lines:
                    counted[descriptor] += self._take(child, line, counted[descriptor])
            if all(child.ready for child in self._children):
                self._tell(_GO)
            if self.stop:
                self._tell(_STOP)
            over = min(counted.values())
            each_tick(over, [*self._seconds[:over], Second()])

    def _take(self, child: _Child, line: bytes, second: int) -> int:
        """1 if the line is about one more second, else 0."""
        if line == _READY:
            child.ready = True
            return 0
        said = json.loads(line)
        if isinstance(said, dict):
            child.result = from_json(said, "a process of the load")
            return 0
        answered, failed, pairs = said
        if second == len(self._seconds):
            self._seconds.append(Second())
        total = self._seconds[second]
        total.answered += answered
        total.failed += failed
        total.latency.add(Histogram.of_pairs(pairs, COARSE_BITS))
        return 1

    def _tell(self, word: bytes) -> None:
        """Once to each."""
        if word[0] in self._told:
            return
        self._told.add(word[0])
        for child in self._children:
            try:
                os.write(child.told, word)
            except BrokenPipeError:  # it is gone; its missing result tells
                continue


def _how(children: list[_Child], endings: list[int]) -> str:
    """How the one that has no result ended: a killed one first, as others end when the load is given up."""
    ending = min(end for end, child in zip(endings, children, strict=True) if child.result is None)
    return f"was killed by signal {-ending}" if ending < 0 else f"ended with exit code {ending}"


def _say(descriptor: int, line: bytes) -> None:
    data = memoryview(line + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]
