"""A UDP load generator process: many flows, at a rate (open loop) or so many in flight (closed loop).

``mark`` on standard input is answered by the tally so far, as one JSON object a line; when standard input
ends nothing more is sent, and the last line is the tally after the answers under way have come.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time

from benchmarks.actors.udp_crowd import BATCH, MAX_FLOWS, MIN_BYTES, Crowd
from benchmarks.actors.udp_runs import RunCrowd

__all__ = ["main"]

QUIET_S = 0.3
"""What has not been answered after so long a silence is lost."""
LAST_ANSWERS_S = 1.0
_STEP_S = 0.001
"""At a rate: how often what is due is sent."""


class UdpLoad:
    """Sends what is due, takes in what comes."""

    def __init__(self, crowd: Crowd, *, rate: float | None, in_flight: int, run: int) -> None:
        """``run``: a closed loop sends as many at once or none, so that no run is split by single answers."""
        self._crowd = crowd
        self._run = run
        self._rate = rate
        self._in_flight = in_flight
        self._given_up = 0
        """Closed loop: unanswered ones that nobody waits for any more."""
        self._began = time.perf_counter()
        self._last_answer = self._began
        self.ending = False

    def step(self) -> float:
        """Send what is due; how long to wait for answers, in seconds."""
        now = time.perf_counter()
        if self.ending:
            return LAST_ANSWERS_S
        if self._rate is not None:
            due = int((now - self._began) * self._rate) - self._crowd.sequences.sent
            while due > 0:
                sent = self._crowd.send(due)
                due -= sent
                if not sent:
                    break
            return _STEP_S
        if now - self._last_answer > QUIET_S:
            self._given_up = self._crowd.sequences.unanswered
            self._last_answer = now
        open_places = self._in_flight - (self._crowd.sequences.unanswered - self._given_up)
        whole_runs = open_places - open_places % self._run
        if whole_runs > 0:
            self._crowd.send(whole_runs)
        return QUIET_S if open_places <= BATCH else 0.0

    def answers(self) -> None:
        """Take in what has come."""
        while (count := self._crowd.receive()) > 0:
            self._last_answer = time.perf_counter()
            if count < BATCH or self._rate is None:
                return

    @property
    def over(self) -> bool:
        """Every answer came, or none has come for a while. Only once it is ``ending``."""
        silent_s = time.perf_counter() - self._last_answer
        return not self._crowd.sequences.unanswered or silent_s > LAST_ANSWERS_S

    def report(self) -> dict[str, object]:
        sequences = self._crowd.sequences
        return {
            "seconds": time.perf_counter() - self._began,
            "sent": sequences.sent,
            "answered": sequences.answered,
            "doubled": sequences.doubled,
            "reordered": sequences.reordered,
            "corrupted": self._crowd.corrupted,
            "misdelivered": self._crowd.misdelivered,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.actors.udp_load",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("address", metavar="HOST:PORT", help="IPv4")
    parser.add_argument("--flows", type=int, default=1, help=f"up to {MAX_FLOWS}")
    parser.add_argument("--size", type=int, default=64, help=f"bytes, from {MIN_BYTES}")
    parser.add_argument("--run", type=int, default=1, help="datagrams of a flow in a row")
    parser.add_argument("--as-one", action="store_true", help="a run leaves as one message (UDP_SEGMENT)")
    parser.add_argument("--rate", type=float, help="datagrams a second; None: closed loop")
    parser.add_argument("--in-flight", type=int, default=1, help="closed loop")
    options = parser.parse_args()
    if not 1 <= options.flows <= MAX_FLOWS or options.size < MIN_BYTES:
        parser.error("--flows or --size is out of range")
    if options.rate is None and not 1 <= options.run <= options.in_flight:
        parser.error("--run is out of range: one must fit into --in-flight")
    host, _, port = options.address.rpartition(":")
    make = RunCrowd if options.as_one else Crowd
    crowd = make((host, int(port)), options.flows, options.size, options.run)
    try:
        _run(UdpLoad(crowd, rate=options.rate, in_flight=options.in_flight, run=options.run), crowd.fd)
    finally:
        crowd.close()


def _run(load: UdpLoad, fd: int) -> None:
    commands = sys.stdin.fileno()
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.register(commands, select.POLLIN)
    while not (load.ending and load.over):
        wait_s = load.step()
        for ready, _ in poll.poll(wait_s * 1000):
            if ready == fd:
                load.answers()
            elif os.read(commands, 4096):
                _say(load)
            else:
                poll.unregister(commands)
                load.ending = True
    _say(load)


def _say(load: UdpLoad) -> None:
    os.write(sys.stdout.fileno(), json.dumps(load.report()).encode() + b"\n")


if __name__ == "__main__":
    main()
