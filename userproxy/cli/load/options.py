"""The options of ``userproxy load``."""

from __future__ import annotations

import argparse

from userproxy.cli.whole_numbers import LARGEST, whole_number

__all__ = ["add_arguments"]

MAX_PROCESSES = 64
"""More would need more cores than a load for one machine makes sense with."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.description = (
        "Load for an HTTP, TCP echo or UDP echo server: in open loop with --rate, in closed loop without."
        " It talks to nobody but the address that is named."
    )
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="http://HOST[:PORT][/PATH], tcp://HOST:PORT or udp://HOST:PORT"
    )
    _add_load(parser.add_argument_group("load"))
    _add_messages(parser.add_argument_group("messages"))
    _add_results(parser.add_argument_group("results"))


def _add_load(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--rate", metavar="N", help="open loop: N requests a second, whether answers come or not"
    )
    group.add_argument(
        "--arrivals", choices=["constant", "poisson"],
        help="with --rate: at equal distances, or by chance as independent users come (default: constant)",
    )  # fmt: skip
    group.add_argument(
        "--find-max", metavar="CONDITION",
        help="search the highest rate that holds, like 'p99<20ms', beginning at --rate (default: 1000)",
    )  # fmt: skip
    group.add_argument(
        "-c", "--connections", type=_whole, metavar="N",
        help="connections, or UDP flows; over TCP also the most requests in flight (default: 64)",
    )  # fmt: skip
    group.add_argument(
        "-d", "--duration", metavar="TIME", help="of the measured window (default: 10s; of a search 3s each)"
    )
    group.add_argument("--warm-up", metavar="TIME", help="before it, counted apart (default: 1s)")
    group.add_argument(
        "--timeout",
        metavar="TIME",
        help="for an answer (default: 10s; for UDP 1s, then the datagram is lost)",
    )
    group.add_argument(
        "--in-flight", type=_whole, metavar="N",
        help="UDP with --rate: datagrams that may wait for their answer at once (default: 1024)",
    )  # fmt: skip
    group.add_argument(
        "--processes", type=_processes, metavar="N", help="share the load between N processes (default: 1)"
    )


def _add_messages(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--close", action="store_true", help="HTTP, TCP: a new connection for each request")
    group.add_argument(
        "--size", type=_whole, metavar="BYTES", help="TCP, UDP: of a message, which comes back (default: 64)"
    )
    group.add_argument(
        "-H", "--header", action="append", default=[], metavar="'NAME: VALUE'", dest="headers",
        help="HTTP: one more field of the request, or another Host; repeatable",
    )  # fmt: skip
    group.add_argument(
        "--answered-by", metavar="HOW",
        help="how an answer says who gave it: first-line (HTTP: of the body; TCP: that the server says"
        " first), header:NAME (HTTP), prefix (UDP: a name and a colon before the echo) or none (default:"
        " first-line for HTTP, else none)",
    )  # fmt: skip
    group.add_argument(
        "--family", choices=["ipv4", "ipv6"],
        help="use the first address of this family that the host's name has (default: the first of either, in"
        " the system's order)",
    )  # fmt: skip


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fail-if", action="append", default=[], metavar="CONDITION",
        help="exit code 1 if it holds, like 'p99>20ms' or 'errors>0'; repeatable",
    )  # fmt: skip
    group.add_argument(
        "--events", metavar="FILE",
        help="follow the log of userproxy run --log-format json (- is standard input), and mark what it tells"
        " on the time line",
    )  # fmt: skip
    group.add_argument(
        "-o", "--output", choices=["text", "json"], default="text", help="form of the result (default: text)"
    )
    group.add_argument("--hdr", metavar="FILE", help="write the latencies there, as HdrHistogram text in ms")
    group.add_argument(
        "--merge", nargs="+", metavar="FILE", help="no load: add up what -o json wrote, and show the whole"
    )


def _whole(text: str) -> int:
    if (number := whole_number(text, 1, LARGEST)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number above 0")
    return number


def _processes(text: str) -> int:
    processes = _whole(text)
    if processes > MAX_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text} must be at most {MAX_PROCESSES}")
    return processes
