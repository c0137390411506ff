"""What the options ask for: a plan, or one line that says what is wrong."""

from __future__ import annotations

import argparse
import re

from userproxy.errors import ConfigError
from userproxy.load.arrivals import CONSTANT
from userproxy.load.plan import DEFAULT_IN_FLIGHT, DEFAULT_SIZE_BYTES, Naming, Plan
from userproxy.load.targets import HTTP, UDP, Target, parse_target
from userproxy.model.durations import parse_duration

__all__ = ["check_merge", "plan_of"]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_FIELDS = ("connection", "content-length", "transfer-encoding", "expect", "upgrade")
"""They would change how an answer is framed, or when the connection ends."""
_DEFAULT_CONNECTIONS = 64
_DEFAULT_DURATION = "10s"
_DEFAULT_STEP = "3s"
_DEFAULT_WARM_UP = "1s"
_DEFAULT_TIMEOUT = {"http": "10s", "tcp": "10s", "udp": "1s"}
_FIRST_RATE = "1000"
_OF_A_RUN = ("url", "rate", "arrivals", "find_max", "connections", "duration", "warm_up", "timeout",
             "in_flight", "processes", "close", "size", "headers", "answered_by", "family",
             "events")  # fmt: skip


def check_merge(options: argparse.Namespace) -> None:
    """Raises ConfigError when there is also something to run: ``--merge`` only adds up."""
    for name in _OF_A_RUN:
        if getattr(options, name):
            option = "a URL" if name == "url" else f"--{name.rstrip('s') if name == 'headers' else name}"
            raise ConfigError(f"--merge and {option.replace('_', '-')} cannot be combined: it loads nobody")


def plan_of(options: argparse.Namespace) -> Plan:
    """Raises ConfigError for whatever cannot be done."""
    if options.url is None:
        raise ConfigError("a URL is needed: http://HOST[:PORT][/PATH], tcp://HOST:PORT or udp://HOST:PORT")
    target = parse_target(options.url)
    searches = options.find_max is not None
    rate = _rate(options.rate or (_FIRST_RATE if searches else None))
    _check_combinations(options, target, open_loop=rate is not None)
    naming, header = _naming(options.answered_by, target.scheme)
    duration = options.duration or (_DEFAULT_STEP if searches else _DEFAULT_DURATION)
    return Plan(
        target=target,
        connections=options.connections or _DEFAULT_CONNECTIONS,
        rate=rate,
        arrivals=options.arrivals or CONSTANT,
        duration_s=_seconds("--duration", duration, least=0.001),
        warm_up_s=_seconds("--warm-up", options.warm_up or _DEFAULT_WARM_UP),
        timeout_s=_seconds("--timeout", options.timeout or _DEFAULT_TIMEOUT[target.scheme], least=0.001),
        in_flight=options.in_flight or DEFAULT_IN_FLIGHT,
        size_bytes=options.size or DEFAULT_SIZE_BYTES,
        keep_alive=not options.close,
        naming=naming,
        naming_header=header,
        headers=tuple(map(_header, options.headers)),
    )


def _check_combinations(options: argparse.Namespace, target: Target, *, open_loop: bool) -> None:
    if options.arrivals is not None and not open_loop:
        raise ConfigError("--arrivals means nothing without --rate: in closed loop, answers decide")
    if options.headers and target.scheme != HTTP:
        raise ConfigError(f"--header means nothing for {target.scheme}")
    if options.close and target.scheme == UDP:
        raise ConfigError("--close means nothing for udp, which has no connections")
    if options.size is not None and target.scheme == HTTP:
        raise ConfigError("--size means nothing for http")
    if options.in_flight is not None and not (target.scheme == UDP and open_loop):
        raise ConfigError(
            "--in-flight is for udp with --rate; elsewhere --connections bounds what is in flight"
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
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: {error}") from error
    if not least <= value <= 7 * 86400:
        raise ConfigError(f"{option} {text}: must be from {least:g}s to a week")
    return value


def _naming(text: str | None, scheme: str) -> tuple[Naming, str]:
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
