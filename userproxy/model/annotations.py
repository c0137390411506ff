"""The ``userproxy.dev/`` annotations of a Service: options for all its ports, or for one.

``userproxy.dev/hold: 30s`` is for every port, ``userproxy.dev/hold.http: 5s`` wins for port ``http``.
A bad value is a problem, and the option keeps its default; an unknown key is a problem that names the
nearest known one. Both are warnings: the Service is served.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice

from userproxy.model.durations import parse_duration
from userproxy.model.findings import Findings, shorten
from userproxy.model.service import Balancer, PortOptions

__all__ = ["PREFIX", "read_options"]

PREFIX = "userproxy.dev/"
_NO_LIMIT = "none"
_COMPARED = 64
"""Characters of an unknown key, and port names, that are looked at for a suggestion."""
_MOST_CONNECTIONS = 2**31 - 1


def read_options(
    annotations: Mapping[str, object], port_names: Collection[str], findings: Findings
) -> dict[str, PortOptions]:
    """The options of each port, by its name."""
    ours = [
        key
        for key in annotations
        if isinstance(key, str) and key.startswith(PREFIX) and annotations[key] is not None
    ]
    if not ours:
        return dict.fromkeys(port_names, _DEFAULTS)
    for_all: dict[str, str] = {}
    for_one: dict[str, dict[str, str | None]] = {name: {} for name in port_names}
    for annotation in ours:
        key, dot, port_name = annotation.removeprefix(PREFIX).partition(".")
        if key not in _OPTIONS or (dot and port_name not in for_one):
            # Past the bound it is only counted, and a suggestion would be work for nothing.
            near = "" if findings.full else _suggestion(key, dot, port_name, port_names)
            findings.warn(_path(annotation), annotations[annotation], f"is not known; {near}", rule="")
            continue
        value = _checked(key, annotation, annotations[annotation], findings)
        if dot:
            for_one[port_name][key] = value
        elif value is not None:
            for_all[key] = value
    return {name: _options({**for_all, **own}) for name, own in for_one.items()}


def _options(values: Mapping[str, str | None]) -> PortOptions:
    options = _DEFAULTS
    for key, value in values.items():
        # None is a bad value for this one port, which takes the default, not the value for all ports.
        if value is not None:
            options = _OPTIONS[key](options, value)
    return options


def _checked(key: str, annotation: str, value: object, findings: Findings) -> str | None:
    """The value if it means something, else None and a problem."""
    try:
        if not isinstance(value, str):
            raise ValueError("must be a string")
        _OPTIONS[key](_DEFAULTS, value)
    except ValueError as error:
        findings.warn(_path(annotation), value, f"{error}; the default is used", rule="")
        return None
    return value


def _suggestion(key: str, dot: str, port_name: str, port_names: Collection[str]) -> str:
    near = _nearest(key, _OPTIONS) + dot + (_nearest(port_name, port_names) if dot else "")
    if near.startswith(".") or near.endswith(".") or not near:
        return f"known are {', '.join(_OPTIONS)}, and each with .PORT_NAME of this Service"
    return f"did you mean {PREFIX}{near}?"


def _nearest(text: str, known: Collection[str]) -> str:
    """The member of ``known`` that looks most like ``text``, "" when none does."""
    if text in known:
        return text
    # Comparing takes time by length and by number, and both come from the object.
    return next(iter(get_close_matches(text[:_COMPARED], islice(known, _COMPARED), n=1)), "")


def _path(annotation: str) -> str:
    return f"metadata.annotations[{shorten(annotation)}]"


def _balancer(options: PortOptions, text: str) -> PortOptions:
    try:
        return replace(options, balancer=Balancer(text))
    except ValueError:
        raise ValueError(f"must be {' or '.join(Balancer)}") from None


def _hold(options: PortOptions, text: str) -> PortOptions:
    return replace(options, hold_s=_seconds(text))


def _drain_limit(options: PortOptions, text: str) -> PortOptions:
    return replace(options, drain_limit_s=None if text == _NO_LIMIT else _seconds(text))


def _idle_timeout(options: PortOptions, text: str) -> PortOptions:
    if text == _NO_LIMIT:
        return replace(options, idle_timeout_s=None)
    timeout_s = _seconds(text)
    if timeout_s == 0:
        raise ValueError(f"must be longer than 0s, or {_NO_LIMIT}")
    return replace(options, idle_timeout_s=timeout_s)


def _max_connections(options: PortOptions, text: str) -> PortOptions:
    if text == _NO_LIMIT:
        return replace(options, max_connections=None)
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_CONNECTIONS))
    if not digits or not 1 <= int(text) <= _MOST_CONNECTIONS:
        raise ValueError(f"must be a number from 1 to {_MOST_CONNECTIONS}, or {_NO_LIMIT}")
    return replace(options, max_connections=int(text))


def _seconds(text: str) -> float:
    duration_s = parse_duration(text)
    if duration_s < 0:
        raise ValueError("must not be negative")
    return duration_s


_DEFAULTS = PortOptions()
_OPTIONS: Mapping[str, Callable[[PortOptions, str], PortOptions]] = {
    "balancer": _balancer,
    "hold": _hold,
    "drain-limit": _drain_limit,
    "idle-timeout": _idle_timeout,
    "max-connections": _max_connections,
}
