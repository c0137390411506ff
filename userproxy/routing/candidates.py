"""The endpoints that a service port's slices name, one for each "ip:port" (rules E4, E7, E11)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from userproxy.model.endpoints import EndpointSlice, SliceEndpoint
from userproxy.model.names import Family
from userproxy.model.routes import Endpoint
from userproxy.model.service import ServicePortSpec

__all__ = ["Candidate", "Candidates", "candidates"]


class Candidate(NamedTuple):
    """An endpoint of a service port, as one slice describes it."""

    endpoint: Endpoint
    conditions: SliceEndpoint
    slice_name: str
    local: bool
    """On this node, by name (rule E6)."""


class Candidates(NamedTuple):
    """All that the slices of one family say of one service port."""

    unique: tuple[Candidate, ...]
    """One for each "ip:port", sorted by it (rule E11)."""
    duplicates: tuple[tuple[Candidate, str], ...]
    """Those that lost to another entry of the same "ip:port", with the winner's slice (rule E7)."""


def candidates(
    slices: Iterable[EndpointSlice], port: ServicePortSpec, family: Family, node_name: str
) -> Candidates:
    """What ``slices`` say of ``port`` in ``family``: matched by port name and protocol (rule E4)."""
    found = _matches(slices, port, family, node_name)
    winners = {candidate.endpoint.name: candidate for candidate in found}
    losers: list[Candidate] = []
    if len(winners) < len(found):
        winners.clear()
        for candidate in found:
            name = candidate.endpoint.name
            rival = winners.setdefault(name, candidate)
            if rival is not candidate:
                winners[name], loser = sorted((candidate, rival), key=_rank)
                losers.append(loser)
    return Candidates(
        unique=tuple([winners[name] for name in sorted(winners)]),
        duplicates=tuple([(loser, winners[loser.endpoint.name].slice_name) for loser in losers]),
    )


def _matches(
    slices: Iterable[EndpointSlice], port: ServicePortSpec, family: Family, node_name: str
) -> list[Candidate]:
    found: list[Candidate] = []
    for endpoint_slice in slices:
        if endpoint_slice.address_type is not family:
            continue
        slice_name = endpoint_slice.name
        for name, protocol, number in endpoint_slice.ports:
            if name == port.name and protocol is port.protocol:
                found += [
                    Candidate(
                        Endpoint.of(entry.address, number),
                        entry,
                        slice_name,
                        entry.node_name == node_name and entry.node_name != "",
                    )
                    for entry in endpoint_slice.endpoints
                ]
    return found


def _rank(candidate: Candidate) -> tuple[object, ...]:
    """Lowest wins: not terminating, then the slice whose name sorts first (rule E7).

    The rest decides inside one slice, so that the order of its entries never does (rule E11).
    """
    entry = candidate.conditions
    return (
        entry.terminating,
        candidate.slice_name,
        not entry.ready,
        not entry.serving,
        entry.node_name,
        entry.zone_hints,
        entry.node_hints,
        entry.hostname,
        entry.pod,
    )
