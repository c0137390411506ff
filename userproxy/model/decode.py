"""From raw JSON to values: the way in for every source.

In: one complete raw object (what ``json.loads`` gives; the defaults of section D are in it). Out: an
`Upsert` with the object and what is wrong in it, a `Rejected` when it is refused whole (rule D7), or None
when its kind is not read. Nothing here raises, whatever the object holds, and nothing is changed in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from userproxy.model.events import Rejected, Upsert
from userproxy.model.fields import is_object
from userproxy.model.findings import Findings
from userproxy.model.metadata import API_VERSIONS, object_ref
from userproxy.model.node_decoder import decode_node
from userproxy.model.service_decoder import decode_service
from userproxy.model.slice_decoder import decode_endpoint_slice

__all__ = [
    "API_VERSIONS",
    "Decoder",
    "decode",
    "decode_endpoint_slice",
    "decode_node",
    "decode_service",
    "object_ref",
]


class Decoder(Protocol):
    """Decodes the objects of one kind, which a list of the API server does not state."""

    def __call__(self, raw: object, *, origin: str = "") -> Upsert | Rejected: ...


_DECODERS: Mapping[str, Decoder] = {
    "Service": decode_service,
    "EndpointSlice": decode_endpoint_slice,
    "Node": decode_node,
}


def decode(raw: object, *, origin: str = "") -> Upsert | Rejected | None:
    """Decode an object that says its own kind; None for a kind that is not read (rule D3).

    ``origin`` says where the object came from, such as ``web.yaml, document 2``; it stands in every
    problem.
    """
    findings = Findings(partial(object_ref, raw), origin)
    if not is_object(raw):
        findings.refuse("", raw, "must be an object of some kind; it is left out")
        return findings.reject()
    kind = raw.get("kind")
    if not isinstance(kind, str) or not kind:
        findings.refuse(
            "kind", "" if kind is None else kind, "must name the kind of the object; it is left out"
        )
        return findings.reject()
    decoder = _DECODERS.get(kind)
    if decoder is None:
        return None
    if raw.get("apiVersion") is None:
        findings.refuse("apiVersion", "", f"is missing; that of a {kind} is {API_VERSIONS[kind]}", rule="D3")
        return findings.reject()
    return decoder(raw, origin=origin)
