"""A Node, as far as a proxy reads it (section N)."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.model.names import ObjectRef

__all__ = ["Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A decoded Node. Addresses are canonical text (rule D8)."""

    name: str
    zone: str = ""
    """Label ``topology.kubernetes.io/zone``; "": zone hints cannot match (rule T4)."""
    internal_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef("Node", "", self.name)
