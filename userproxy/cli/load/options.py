"""The options of ``userproxy load``, and the plan that follows from them."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from userproxy.errors import ConfigError

if TYPE_CHECKING:
    from userproxy.load.plan import Naming, Plan

__all__ = ["add_arguments", "plan_of"]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_FIELDS = ("connection", "content-length", "transfer-encoding", "expect", "upgrade")
"""They would change how an answer is framed, or when the connection ends."""
_DEFAULT_TIMEOUT = {"http": "10s", "tcp": "10s", "udp": "1s"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.description = (
        "Load for an HTTP, TCP echo or UDP echo server: in open loop with --rate, in closed loop without."
        " It talks to nobody but the addresses that are named."
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
        "--arrivals", choices=["constant", "poisson"], default="constant",
        help="with --rate: at equal distances, or by chance as independent users come (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "-c", "--connections", type=_whole, default=64, metavar="N",
        help="connections, or UDP flows; over TCP also the most requests in flight (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "-d",
        "--duration",
        default="10s",
        metavar="TIME",
        help="of the measured window (default: %(default)s)",
    )
    group.add_argument(
        "--warm-up", default="1s", metavar="TIME", help="before it, counted apart (default: %(default)s)"
    )
    group.add_argument(
        "--timeout",
        metavar="TIME",
        help="for an answer (default: 10s; for UDP 1s, then the datagram is lost)",
    )


def _add_messages(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--close", action="store_true", help="HTTP, TCP: a new connection for each request")
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


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fail-if", action="append", default=[], metavar="CONDITION",
        help="exit code 1 if it holds, like 'p99>20ms' or 'errors>0'; repeatable",
    )  # fmt: skip
    group.add_argument(
        "-o",
        "--output",
        choices=["text", "json"],
        default="text",
        help="form of the result (default: %(default)s)",
    )
    group.add_argument(
        "--hdr", metavar="FILE", help="write the latencies there, as HdrHistogram text in milliseconds"
    )


def plan_of(options: argparse.Namespace) -> Plan:
    """Raises ConfigError for whatever cannot be done."""
    from userproxy.load.plan import Plan
    from userproxy.load.targets import HTTP, UDP, parse_target

    if options.url is None:
        raise ConfigError("a URL is needed: http://HOST[:PORT][/PATH], tcp://HOST:PORT or udp://HOST:PORT")
    target = parse_target(options.url)
    if options.headers and target.scheme != HTTP:
        raise ConfigError(f"--header means nothing for {target.scheme}")
    if options.close and target.scheme == UDP:
        raise ConfigError("--close means nothing for udp, which has no connections")
    naming, header = _naming(options.answered_by, target.scheme)
    return Plan(
        target=target,
        connections=options.connections,
        rate=_rate(options.rate),
        arrivals=options.arrivals,
        duration_s=_seconds("--duration", options.duration, least=0.001),
        warm_up_s=_seconds("--warm-up", options.warm_up),
        timeout_s=_seconds("--timeout", options.timeout or _DEFAULT_TIMEOUT[target.scheme], least=0.001),
        keep_alive=not options.close,
        naming=naming,
        naming_header=header,
        headers=tuple(map(_header, options.headers)),
    )


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        raise ConfigError(f"--rate {text}: must be a number of requests a second") from None
    if not 0 < rate < float("inf"):
        raise ConfigError(f"--rate {text}: must be above 0; leave it out for a closed loop")
    return rate


def _seconds(option: str, text: str, *, least: float = 0.0) -> float:
    from userproxy.model.durations import parse_duration

    try:
        value = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: {error}") from error
    if not least <= value <= 7 * 86400:
        raise ConfigError(f"{option} {text}: must be from {least:g}s to a week")
    return value


def _naming(text: str | None, scheme: str) -> tuple[Naming, str]:
    from userproxy.load.plan import Naming
    from userproxy.load.targets import HTTP

    if text is None:
        return (Naming.FIRST_LINE if scheme == HTTP else Naming.NONE), ""
    if text.startswith("header:"):
        name = text.removeprefix("header:")
        if not _FIELD_NAME.fullmatch(name):
            raise ConfigError(f"--answered-by {text}: {name!r} is no name of a header")
        return Naming.HEADER, name
    for naming in (Naming.NONE, Naming.FIRST_LINE, Naming.PREFIX):
        if text == naming.value:
            return naming, ""
    raise ConfigError(f"--answered-by {text}: must be first-line, header:NAME, prefix or none")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    value = value.strip()
    if (
        not colon
        or not _FIELD_NAME.fullmatch(name)
        or not (value.isascii() and (value.isprintable() or not value))
    ):
        raise ConfigError(f"--header {text!r}: must be 'NAME: VALUE' in printable ASCII")
    if name.lower() in _OWN_FIELDS:
        raise ConfigError(f"--header {text!r}: {name} is set by the load generator itself")
    return name, value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number above 0")
    return int(text)
