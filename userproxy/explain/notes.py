"""What is to be said of a Service beside its rows: problems, conflicts, stale objects."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.model.names import NamespacedName, ObjectRef
from userproxy.routing import State

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
        hinted = any(endpoint.zone_hints for one in slices for endpoint in one.endpoints)
        if hinted and not state.node.zone and state.why_ignored(service) is None:
            found.setdefault(key, []).append("zone hints do not count: this node's zone is unknown")
    for ref in state.stale:
        sentence = f"stale: the last version of {ref} was refused, the one before it goes on"
        found.setdefault(owners.get(ref), []).append(sentence)
    for problem in state.problems:
        found.setdefault(owners.get(problem.object), []).append(f"{problem.severity}: {problem}")
    return {key: tuple(sentences) for key, sentences in found.items()}
