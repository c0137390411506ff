"""What is to be said of a Service beside its rows: problems, conflicts, stale objects, mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from userproxy.model.endpoints import EndpointSlice
from userproxy.model.names import NamespacedName, ObjectRef, owner
from userproxy.model.service import Service
from userproxy.routing import State
from userproxy.routing.derivation import why_port_ignored

__all__ = ["Notes", "notes"]

Notes = Mapping[NamespacedName | None, tuple[str, ...]]
"""Sentences by Service; under None those that belong to none that there is."""


def notes(state: State) -> Notes:
    """All that the rows cannot show, as sentences: the text form prints them below the rows."""
    owners: dict[ObjectRef, NamespacedName] = {}
    found: dict[NamespacedName | None, list[str]] = {}
    for key, service in state.services.items():
        slices = state.slices_of(key)
        owners[service.ref] = key
        owners.update((one.ref, key) for one in slices)
        if state.why_ignored(service) is None or state.endpoint_services(service):
            found[key] = [*_unmatched_ports(service, slices), *_hints_without_zone(slices, state.node.zone)]
    for ref in state.stale:
        sentence = f"stale: the last version of {ref} was refused, the one before it goes on"
        found.setdefault(owners.get(ref), []).append(sentence)
    for problem in state.problems:
        ref = problem.object
        if ref.kind == "Service":  # or an endpoint of a headless one
            ref = ref._replace(name=owner(NamespacedName(ref.namespace, ref.name)).name)
        found.setdefault(owners.get(ref), []).append(f"{problem.severity}: {problem}")
    return {key: tuple(sentences) for key, sentences in found.items() if sentences}


def _unmatched_ports(service: Service, slices: Sequence[EndpointSlice]) -> Iterator[str]:
    """A port that all slices know under another name or protocol is a usual mistake (rule E4)."""
    offered = {(port.name, port.protocol) for one in slices for port in one.ports}
    names = ", ".join(f"{name or '(no name)'}/{protocol}" for name, protocol in sorted(offered))
    for port in service.ports:
        if offered and (port.name, port.protocol) not in offered and why_port_ignored(port) is None:
            yield f"no slice has port {port.name or '(no name)'}/{port.protocol}: they have {names}"


def _hints_without_zone(slices: Sequence[EndpointSlice], zone: str) -> Iterator[str]:
    if not zone and any(endpoint.zone_hints for one in slices for endpoint in one.endpoints):
        yield "zone hints do not count: this node's zone is unknown"
