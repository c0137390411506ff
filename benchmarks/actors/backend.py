"""A backend process: ``open KIND`` and ``close KIND HOST:PORT`` on standard input; its end ends it.

Each command is answered by one JSON object a line. Kinds: http, transfer, udp.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Protocol

from benchmarks.actors.http_endpoint import HttpEndpoint
from benchmarks.actors.reactor import Reactor, read_commands
from benchmarks.actors.transfer_endpoint import TransferEndpoint
from benchmarks.actors.udp_endpoint import UdpEndpoint

__all__ = ["main"]


class _Endpoint(Protocol):
    address: tuple[str, int]

    def close(self) -> None: ...


_KINDS: Mapping[str, Callable[[Reactor], _Endpoint]] = {
    "http": HttpEndpoint,
    "transfer": TransferEndpoint,
    "udp": UdpEndpoint,
}


def main() -> None:
    reactor = Reactor()
    endpoints: dict[tuple[str, str], _Endpoint] = {}
    going_on = True

    def command(line: str) -> None:
        verb, kind, *rest = line.split()
        if verb == "open":
            endpoint = _KINDS[kind](reactor)
            place = "{}:{}".format(*endpoint.address)
            endpoints[kind, place] = endpoint
        else:
            [place] = rest
            endpoints.pop((kind, place)).close()
        os.write(sys.stdout.fileno(), json.dumps({"endpoint": place}).encode() + b"\n")

    def end() -> None:
        nonlocal going_on
        going_on = False

    read_commands(reactor, command, end)
    reactor.run(lambda: going_on)


if __name__ == "__main__":
    main()
