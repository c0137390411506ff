"""Which endpoints of a service port are usable, and why the others are not (section T)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from userproxy.model.routes import Endpoint
from userproxy.routing.candidates import Candidate, Candidates

__all__ = ["Selection", "Topology", "Wanted", "reasons", "select"]

_ALL_REACHABLE: Mapping[str, str] = MappingProxyType({})


class Topology(Enum):
    """Which hints count for the Cluster set (rule T3)."""

    NONE = "none"
    ZONE = "zone"
    NODE = "node"


class Wanted(NamedTuple):
    """Which sets a service port needs (rules T1, T2)."""

    cluster: bool
    local: bool


class Selection(NamedTuple):
    """The usable endpoints of one service port in one family, each set sorted by "ip:port"."""

    topology: Topology
    cluster: tuple[Endpoint, ...] | None
    """Rule T1; None where it is not wanted."""
    local: tuple[Endpoint, ...] | None
    """Rule T2; None where it is not wanted."""
    serving: tuple[Endpoint, ...]
    usable_anywhere: bool
    """Before policy and topology (rule T8)."""
    pods: tuple[tuple[str, str], ...] = ()
    """Endpoint ("ip:port") and Pod, sorted, of those in some set that are reached through the API server."""
    unreachable: Mapping[str, str] = _ALL_REACHABLE
    """Why, by "ip:port", of those that would be in some set if there was a way to them."""


def select(found: Sequence[Candidate], wanted: Wanted, *, node_name: str, zone: str) -> Selection:
    """Apply rules T1 to T4 to candidates that are sorted and free of duplicates; keeps their order."""
    ready = [one for one in found if one.conditions.ready]  # terminating or not: rule T9
    # Looked at only where nothing is ready, so those that are both need no exception.
    draining = [one for one in found if one.conditions.terminating and one.conditions.serving]
    serving = [one for one in found if one.conditions.serving]
    topology = _topology(ready, node_name, zone) if wanted.cluster else Topology.NONE
    everyone = tuple([one.endpoint for one in found])

    def endpoints(chosen: Sequence[Candidate]) -> tuple[Endpoint, ...]:
        # Mostly all are chosen for each set, and then the sets are one tuple.
        return everyone if len(chosen) == len(found) else tuple([one.endpoint for one in chosen])

    cluster = local = None
    if wanted.cluster:
        cluster = endpoints(_allowed(ready, topology, node_name, zone) or draining)
    if wanted.local:
        here = [one for one in ready if one.local] or [one for one in draining if one.local]
        local = endpoints(here)
    return Selection(
        topology=topology,
        cluster=cluster,
        local=local,
        serving=endpoints(serving),
        usable_anywhere=bool(ready or draining),
    )


def reasons(found: Candidates, selection: Selection, *, zone: str) -> list[tuple[Candidate, str | None]]:
    """Every candidate with why it is not used, None where it is (rule T5). ``selection`` is of ``found``."""
    used = {endpoint.name for endpoint in (*(selection.cluster or ()), *(selection.local or ()))}
    explained: list[tuple[Candidate, str | None]] = [
        (one, None if one.endpoint.name in used else _why_unused(one, selection, zone))
        for one in found.unique
    ]
    explained.extend((one, f"duplicate of {winner}") for one, winner in found.duplicates)
    return explained


def _topology(ready: Sequence[Candidate], node_name: str, zone: str) -> Topology:
    """Rule T3: one ready endpoint without a hint switches that kind of hint off."""
    if all(one.conditions.node_hints for one in ready) and any(
        node_name in one.conditions.node_hints for one in ready
    ):
        return Topology.NODE
    if all(one.conditions.zone_hints for one in ready) and any(
        zone and zone in one.conditions.zone_hints for one in ready
    ):
        return Topology.ZONE
    return Topology.NONE


def _allowed(ready: list[Candidate], topology: Topology, node_name: str, zone: str) -> list[Candidate]:
    if topology is Topology.NODE:
        return [one for one in ready if node_name in one.conditions.node_hints]
    if topology is Topology.ZONE:
        return [one for one in ready if zone in one.conditions.zone_hints]
    return ready


def _why_unused(candidate: Candidate, selection: Selection, zone: str) -> str:
    """The one reason why ``candidate`` is in no set of ``selection`` (rule T5)."""
    if candidate.endpoint.name in selection.unreachable:
        return selection.unreachable[candidate.endpoint.name]
    entry = candidate.conditions
    elsewhere = selection.cluster is None and not candidate.local
    if entry.ready:
        if elsewhere:
            return "not on this node (policy Local)"
        if selection.topology is Topology.NODE:
            return f"hinted for node(s) {', '.join(entry.node_hints)}"
        return f"hinted for zone(s) {', '.join(entry.zone_hints)}, this node is in {zone}"
    if not entry.terminating:
        return "not ready"
    if not entry.serving:
        return "terminating and not serving"
    if elsewhere:
        return "not on this node (policy Local)"
    return "terminating while others are ready"
