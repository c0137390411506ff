"""``endpoints`` of a slice: a bad entry is left out alone and kept as an `InvalidEndpoint` (rule D7).

At start a cluster's hundred thousand endpoints pass through here, so a good entry is checked in line, and
only a bad one pays for a path, a message and an exception. Names of Nodes come again and again: each is
checked once, and there is one string of it.

In a Service without selectors anybody may write any ``targetRef``. A Pod of another namespace does not count:
who may write slices in one namespace shall not lead traffic to Pods of another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter

from userproxy.model.addresses import is_multicast, is_unspecified, parse_ip
from userproxy.model.endpoints import InvalidEndpoint, SliceEndpoint
from userproxy.model.fields import is_list, is_object
from userproxy.model.findings import Findings, shorten
from userproxy.model.metadata import is_dns_label, is_plain
from userproxy.model.names import Family

__all__ = ["read_endpoints"]

_BY_ADDRESS = itemgetter(0)
_BY_ALL = attrgetter(
    "address", "terminating", "ready", "serving", "node_name", "zone_hints", "node_hints", "hostname", "pod"
)
_NO_HINT = "this hint is left out"
_NO_POD = "the endpoint counts as having no Pod"
_made = tuple.__new__
"""Makes the named tuple of all its fields, in a third of the time that its own call takes."""
_is_pod_name = re.compile(r"[a-z0-9][-.a-z0-9]{0,252}(?<=[a-z0-9])").fullmatch
"""Looser than a DNS subdomain (two dots may touch), and three times as fast: no such Pod can be found."""
_LONGEST_NAME = 253
_MAYBE_UNUSABLE = frozenset("02f:")
"""First characters of the canonical addresses that nothing can be sent to, and of some that are good."""


class _Dropped(Exception):
    """An entry that cannot be used: the bad field, its value, why, and the address as far as known."""

    def __init__(self, field: str, value: object, why: str, address: str = "", *, rule: str = "D7") -> None:
        super().__init__(why)
        self.field = field
        self.value = value
        self.why = why
        self.address = address
        self.rule = rule


def read_endpoints(
    entries: Sequence[object], family: Family, namespace: str, findings: Findings
) -> tuple[tuple[SliceEndpoint, ...], tuple[InvalidEndpoint, ...]]:
    """The usable and the invalid entries of a slice of ``family`` in ``namespace``.

    Each in a fixed order (rule E11).
    """
    endpoints: list[SliceEndpoint] = []
    invalid: list[InvalidEndpoint] = []
    for index, entry in enumerate(entries):
        try:
            endpoints.append(_read_endpoint(entry, family, namespace, index, findings))
        except _Dropped as bad:
            field = f"endpoints[{index}]{bad.field}"
            findings.error(field, bad.value, f"{bad.why}; this endpoint is left out", rule=bad.rule)
            invalid.append(InvalidEndpoint(bad.address, bad.why))
    endpoints.sort(key=_BY_ADDRESS)
    # Only between two on one address does the rest decide, and that is rare.
    if len(set(map(_BY_ADDRESS, endpoints))) < len(endpoints):
        endpoints.sort(key=_BY_ALL)
    invalid.sort(key=attrgetter("address", "why"))
    return tuple(endpoints), tuple(invalid)


def _read_endpoint(
    entry: object, family: Family, namespace: str, index: int, findings: Findings
) -> SliceEndpoint:
    """One endpoint. Raises _Dropped for one that cannot be used."""
    if not isinstance(entry, dict):
        raise _Dropped("", entry, "not an object")
    read = entry.get
    address = _read_address(read("addresses"), family)
    ready, serving, terminating = True, True, False
    conditions = read("conditions")
    if conditions is not None:
        if not isinstance(conditions, dict):
            raise _Dropped(".conditions", conditions, "conditions are no object", address)
        condition = conditions.get
        # Null is true for ready and serving, false for terminating (rule E5).
        if (value := condition("ready")) is not True:
            ready = value is not False and _absent(value, "ready", True, address)
        if (value := condition("serving")) is not True:
            serving = value is not False and _absent(value, "serving", True, address)
        if (value := condition("terminating")) is not False:
            terminating = value is True or _absent(value, "terminating", False, address)
    node_name = read("nodeName")
    if node_name is None:
        node_name = ""
    elif not isinstance(node_name, str) or (known := _node_name(node_name)) is None:
        message = "is no name of a Node; the endpoint counts as being on no node"
        findings.warn(f"endpoints[{index}].nodeName", node_name, message, rule="E6")
        node_name = ""
    else:
        node_name = known
    hostname = read("hostname")
    hostname = "" if hostname is None else _read_hostname(hostname, index, findings)
    if (target := read("targetRef")) is None:
        pod = ""
    elif (
        isinstance(target, dict)
        and target.get("kind") == "Pod"
        and target.get("namespace") == namespace
        and isinstance(name := target.get("name"), str)
        and _is_pod_name(name)
    ):
        pod = name
    else:
        pod = _read_pod(target, namespace, index, findings)
    hints = read("hints")
    if hints is None:
        return _made(SliceEndpoint, (address, ready, serving, terminating, node_name, (), (), hostname, pod))
    if not is_object(hints):
        findings.warn(f"endpoints[{index}].hints", hints, f"must be an object; {_NO_HINT}", rule="T3")
        hints = {}
    zones = _read_hints(hints.get("forZones"), "forZones", index, findings)
    nodes = _read_hints(hints.get("forNodes"), "forNodes", index, findings)
    return SliceEndpoint(address, ready, serving, terminating, node_name, zones, nodes, hostname, pod)


def _read_address(addresses: object, family: Family) -> str:
    """The canonical first address, which is the only one that counts (rule E3)."""
    if addresses is None:
        raise _Dropped(".addresses", "", "no address", rule="E3")
    if not isinstance(addresses, list | tuple):
        raise _Dropped(".addresses", addresses, "addresses are no list")
    if not addresses:
        raise _Dropped(".addresses", addresses, "no address", rule="E3")
    text = addresses[0]
    try:
        if not isinstance(text, str):
            raise ValueError
        found, address = parse_ip(text)
    except ValueError:
        raise _Dropped(".addresses[0]", text, "not an IP address", shorten(text)) from None
    if found is not family:
        raise _Dropped(".addresses[0]", text, "wrong family", address, rule="E2")
    if address[0] in _MAYBE_UNUSABLE:
        if is_unspecified(address):
            raise _Dropped(".addresses[0]", text, "unspecified address", address)
        if is_multicast(address):
            raise _Dropped(".addresses[0]", text, "multicast address", address)
    return address


def _absent(value: object, name: str, default: bool, address: str) -> bool:
    """What a condition means that is neither true nor false."""
    if value is None:
        return default
    raise _Dropped(f".conditions.{name}", value, f"condition {name} is not true or false", address)


def _node_name(text: str) -> str | None:
    """``text`` when it may be the name of a Node, or none."""
    # What somebody wrote into an object must not fill the cache with megabytes.
    return _known_node_name(text) if len(text) <= _LONGEST_NAME else None


@lru_cache(maxsize=8192)
def _known_node_name(text: str) -> str | None:
    return text if not text or is_plain(text) else None


def _read_hostname(value: object, index: int, findings: Findings) -> str:
    """The name of the endpoint itself, "" when there is none that could be one."""
    if value == "" or (isinstance(value, str) and is_dns_label(value)):
        return value
    message = "must be a DNS label (at most 63 of a-z, 0-9 and inner hyphens); this host name is left out"
    findings.warn(f"endpoints[{index}].hostname", value, message)
    return ""


def _read_pod(target: object, namespace: str, index: int, findings: Findings) -> str:
    """The name of the Pod in ``namespace`` that a ``targetRef`` means which is not the usual one.

    "" when it means none.
    """
    if not isinstance(target, dict):
        findings.warn(f"endpoints[{index}].targetRef", target, f"must be an object; {_NO_POD}")
        return ""
    if target.get("kind") != "Pod":
        return ""
    name, where = target.get("name"), target.get("namespace")
    if not isinstance(name, str) or not _is_pod_name(name):
        shown = "" if name is None else name
        findings.warn(f"endpoints[{index}].targetRef.name", shown, f"is no name of a Pod; {_NO_POD}")
        return ""
    if where != namespace and where is not None and where != "":
        message = f"is not the namespace of the slice; {_NO_POD}"
        findings.warn(f"endpoints[{index}].targetRef.namespace", where, message)
        return ""
    return name


def _read_hints(entries: object, kind: str, endpoint: int, findings: Findings) -> tuple[str, ...]:
    """The names of one kind of hint, each once and in order; a bad one is left out."""
    if entries is None:
        return ()
    if not is_list(entries):
        path = f"endpoints[{endpoint}].hints.{kind}"
        findings.warn(path, entries, f"must be a list; {_NO_HINT}", rule="T3")
        return ()
    names: set[str] = set()
    for index, entry in enumerate(entries):
        name = entry.get("name") if is_object(entry) else None
        if isinstance(name, str) and is_plain(name):
            names.add(name)
        else:
            path = f"endpoints[{endpoint}].hints.{kind}[{index}]"
            shown = entry if name is None else name
            findings.warn(path, shown, f"must have a name; {_NO_HINT}", rule="T3")
    return tuple(sorted(names))
