"""Lines of a hosts file for what is served: which name stands for which address (hosts(5))."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from userproxy.discovery.served import Served, ServedPort

__all__ = ["HostsLine", "HostsLines", "hosts_lines"]

RESERVED = frozenset({"localhost"})
"""Names that are never a Service's, whatever it is called (RFC 6761, 6.3)."""
_SHORTEST = 3
"""Index of the form without a namespace."""
_Owner = tuple[str, str, str]
"""Namespace, Service, and host name or "" for the Service itself."""


@dataclass(frozen=True, slots=True)
class HostsLine:
    """One address and its names, the full one first."""

    address: str
    names: tuple[str, ...]
    note: str = ""
    """What a hosts file cannot say otherwise: ports that are not at their stated numbers."""

    def __str__(self) -> str:
        note = f"  # {self.note}" if self.note else ""
        return f"{self.address}\t{' '.join(self.names)}{note}"


@dataclass(frozen=True, slots=True)
class HostsLines:
    """All lines, and what had to be left out of them."""

    lines: tuple[HostsLine, ...]
    problems: tuple[str, ...]
    """Names that two want: each says who goes without it, and what to use instead."""
    notes: tuple[str, ...] = ()
    """Services that no hosts file can have."""


def hosts_lines(
    served: Served, *, namespaces: Sequence[str] = (), cluster_domain: str, taken: Collection[str] = ()
) -> HostsLines:
    """Lines for every Service, and for every endpoint of a headless one that has a host name.

    Names without their namespace are given for ``namespaces`` only. Of two that want one name the more
    complete form has it, then the one whose namespace is named first. ``taken`` are names that somebody
    else gives an address.
    """
    places = _places(served)
    names = _Names(taken)
    forms = {owner: _forms(owner, cluster_domain) for owner in places}
    ordered = sorted(places, key=lambda owner: _rank(owner, namespaces))
    for form in range(_SHORTEST + 1):
        for owner in ordered:
            if form < _SHORTEST or owner[0] in namespaces:
                names.claim(forms[owner][form], owner, instead=forms[owner][0])
    lines = tuple(
        HostsLine(address, names.of(owner), note)
        for owner in sorted(places)
        for address, note in places[owner]
        if names.of(owner)
    )
    return HostsLines(lines, tuple(names.problems), tuple(_aliases(served)))


def _places(served: Served) -> dict[_Owner, list[tuple[str, str]]]:
    """Where each owner of names is: addresses, each with its note."""
    places: dict[_Owner, list[tuple[str, str]]] = {}
    headless: dict[_Owner, dict[str, bool]] = {}
    for owner, group in groupby(served.ports, key=_owner):
        ports = tuple(group)
        for address in sorted({port.address for port in ports}):
            here = [port for port in ports if port.address == address]
            places.setdefault(owner, []).append((address, _note(here)))
            namespace, service, hostname = owner
            if hostname:
                usable = any(port.usable for port in here)
                headless.setdefault((namespace, service, ""), {})[address] = usable
    for owner, addresses in headless.items():
        # As DNS answers: with those that are ready, if any is.
        usable_ones = [address for address, usable in addresses.items() if usable]
        places[owner] = [(address, "") for address in usable_ones or addresses]
    return places


def _owner(port: ServedPort) -> _Owner:
    return port.namespace, port.service, port.hostname


def _note(ports: Sequence[ServedPort]) -> str:
    moved = sorted([port for port in ports if port.moved], key=lambda port: port.position)
    return ", ".join(f"{port.service_port}/{port.protocol} is at port {port.port}" for port in moved)


def _rank(owner: _Owner, namespaces: Sequence[str]) -> tuple[int, _Owner]:
    namespace = owner[0]
    return (namespaces.index(namespace) if namespace in namespaces else len(namespaces)), owner


def _forms(owner: _Owner, cluster_domain: str) -> tuple[str, str, str, str]:
    """The names of one owner, the most complete first."""
    namespace, service, hostname = owner
    short = f"{hostname}.{service}" if hostname else service
    return (
        f"{short}.{namespace}.svc.{cluster_domain}",
        f"{short}.{namespace}.svc",
        f"{short}.{namespace}",
        short,
    )


class _Names:
    """Each name has one owner."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = taken
        self._owners: dict[str, _Owner] = {}
        self._names: dict[_Owner, list[str]] = {}
        self.problems: list[str] = []

    def claim(self, name: str, owner: _Owner, *, instead: str) -> None:
        """``owner`` gets ``name``, unless another has it; then ``instead`` has to do."""
        if name in RESERVED:
            why = "stands for this host"
        elif name in self._taken:
            why = "the file has an address for it already"
        elif (holder := self._owners.setdefault(name, owner)) != owner:
            why = f"is the name of {_shown(holder)}"
        else:
            self._names.setdefault(owner, []).append(name)
            return
        self.problems.append(f"{name}: {why}; for {_shown(owner)} use {instead}")

    def of(self, owner: _Owner) -> tuple[str, ...]:
        return tuple(self._names.get(owner, ()))


def _shown(owner: _Owner) -> str:
    namespace, service, hostname = owner
    endpoint = f"endpoint {hostname} of " if hostname else ""
    return f"{endpoint}Service {namespace}/{service}"


def _aliases(served: Served) -> Iterator[str]:
    for alias in served.aliases:
        yield (
            f"{alias.service}.{alias.namespace}: stands for {alias.external_name}, and a hosts file has no"
            " aliases; --dns answers with it"
        )
