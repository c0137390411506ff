"""A load generator process: asks until standard input ends, or until ``--total`` is reached.

``mark`` on standard input is answered by the tally so far, as one JSON object a line; the last line is the
tally after every answer under way has come.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping

from benchmarks.actors.assignment import Assignment
from benchmarks.actors.client import Client
from benchmarks.actors.http_client import HttpClient
from benchmarks.actors.reactor import Reactor, read_commands
from benchmarks.actors.transfer_client import PullClient, PushClient
from benchmarks.actors.udp_client import UdpClient

__all__ = ["main"]

KINDS: Mapping[str, Callable[[Assignment, int], Client]] = {
    "requests": HttpClient,
    "connections": lambda assignment, number: HttpClient(assignment, number, closes=True),
    "pull": lambda assignment, number: PullClient(assignment),
    "push": lambda assignment, number: PushClient(assignment),
    "datagrams": UdpClient,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.actors.load", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--at-once", type=int, default=1, help="clients; default: %(default)s")
    parser.add_argument("--total", type=int, help="asks in all; default: until standard input ends")
    parser.add_argument("--asks", type=int, help="asks by one connection or socket; default: no limit")
    parser.add_argument("--distinct-sources", action="store_true", help="an own address for each socket")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    reactor = Reactor()
    assignment = Assignment(
        reactor,
        (host, int(port)),
        total=options.total,
        asks=options.asks,
        distinct_sources=options.distinct_sources,
    )

    def say(_: str = "") -> None:
        os.write(sys.stdout.fileno(), json.dumps(assignment.report()).encode() + b"\n")

    def end() -> None:
        assignment.ending = True

    read_commands(reactor, say, end)
    clients = [KINDS[options.kind](assignment, number) for number in range(options.at_once)]
    for client in clients:
        client.start()

    def tick() -> None:
        for client in clients:
            client.tick()

    reactor.run(lambda: assignment.active > 0, tick)
    say()


if __name__ == "__main__":
    main()
