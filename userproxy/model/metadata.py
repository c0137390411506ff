"""Who an object is: kind, apiVersion and metadata. What is wrong here refuses it whole (rule D7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from userproxy.model.fields import Fields, is_object
from userproxy.model.findings import Findings, shorten
from userproxy.model.names import ObjectRef

__all__ = [
    "API_VERSIONS",
    "UNNAMED",
    "Metadata",
    "is_dns_label",
    "is_dns_subdomain",
    "is_plain",
    "object_ref",
    "open_object",
    "read_label",
    "read_metadata",
]

API_VERSIONS = {"Service": "v1", "EndpointSlice": "discovery.k8s.io/v1", "Node": "v1"}
"""The kinds that are decoded, and the one apiVersion of each (rule D3)."""
UNNAMED = "(unnamed)"
"""Stands for a missing name in an `ObjectRef`; no object can have it."""

_CLUSTER_WIDE = frozenset({"Node", "Namespace"})
_REFUSED = "the object is refused"
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(rf"{_DNS_LABEL.pattern}(?:\.{_DNS_LABEL.pattern})*")
_DNS_SUBDOMAIN_LENGTH = 253
_PLAIN = re.compile(r"[!-~]{1,253}")


class Metadata(NamedTuple):
    """The part of ``metadata`` that a proxy reads."""

    namespace: str
    name: str
    labels: Mapping[str, object]
    annotations: Mapping[str, object]


def is_dns_label(text: str) -> bool:
    """Whether ``text`` is an RFC 1123 label: at most 63 of a-z, 0-9 and inner hyphens."""
    return _DNS_LABEL.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Whether ``text`` is RFC 1123 labels joined by dots, at most 253 characters."""
    return len(text) <= _DNS_SUBDOMAIN_LENGTH and _DNS_SUBDOMAIN.fullmatch(text) is not None


def is_plain(text: str) -> bool:
    """Whether ``text`` is 1 to 253 visible ASCII characters, so that it can be shown as it is."""
    return _PLAIN.fullmatch(text) is not None


def object_ref(raw: object, kind: str = "") -> ObjectRef:
    """Which object ``raw`` is, as far as it says; safe to show, whatever it holds.

    ``kind`` is for items of an API server's list, which do not say theirs. A delete finds the object
    that an upsert or a refusal of the same raw object named.
    """
    if not is_object(raw):
        return ObjectRef(kind or "object", "", UNNAMED)
    kind = kind or shorten(raw.get("kind") or "object")
    metadata = raw.get("metadata")
    if not is_object(metadata):
        metadata = {}
    namespace = "" if kind in _CLUSTER_WIDE else _shown(metadata.get("namespace") or "default")
    return ObjectRef(kind, namespace, _shown(metadata.get("name") or UNNAMED))


def open_object(raw: object, kind: str, origin: str) -> Fields:
    """The top fields of ``raw``, which is meant to be a ``kind``; findings say whether it is refused."""
    findings = Findings(partial(object_ref, raw, kind), origin)
    if not is_object(raw):
        findings.refuse("", raw, f"must be an object of kind {kind}; it is left out")
        return Fields({}, "", findings)
    # Items of a list from the API server say neither kind nor apiVersion.
    if raw.get("kind") not in (None, kind):
        findings.refuse("kind", raw["kind"], f"must be {kind}; {_REFUSED}")
    if raw.get("apiVersion") not in (None, API_VERSIONS[kind]):
        message = f"is not served; the apiVersion of a {kind} is {API_VERSIONS[kind]}"
        findings.refuse("apiVersion", raw["apiVersion"], message, rule="D3")
    return Fields(raw, "", findings)


def read_metadata(top: Fields, *, name_is_label: bool = False, cluster_wide: bool = False) -> Metadata:
    """Name, namespace (absent: "default", rule D3), labels and annotations."""
    fields = top.section("metadata", refuse=True)
    namespace = ""
    if not cluster_wide:
        namespace = _name(fields, "namespace", "default", is_label=True)
    return Metadata(
        namespace,
        _name(fields, "name", "", is_label=name_is_label),
        _strings(fields, "labels"),
        _strings(fields, "annotations"),
    )


def read_label(metadata: Metadata, label: str, findings: Findings) -> str | None:
    """The value of ``label``, None when it is absent. One that is no string refuses the object."""
    if label not in metadata.labels:
        return None
    value = metadata.labels[label]
    if value is None:
        # In the API a null value in an object of strings is "".
        return ""
    if isinstance(value, str):
        return value
    findings.refuse(f"metadata.labels[{label}]", value, f"must be a string; {_REFUSED}")
    return None


def _name(fields: Fields, key: str, default: str, *, is_label: bool) -> str:
    value = fields.raw(key)
    if value is None or value == "":
        value = default
    if value == "":
        fields.findings.refuse(fields.path(key), "", f"is missing; {_REFUSED}")
        return ""
    if not isinstance(value, str):
        fields.findings.refuse(fields.path(key), value, f"must be a string; {_REFUSED}")
        return ""
    if is_label and not is_dns_label(value):
        message = f"must be a DNS label (at most 63 of a-z, 0-9 and inner hyphens); {_REFUSED}"
        fields.findings.refuse(fields.path(key), value, message)
    elif not is_label and not is_dns_subdomain(value):
        message = f"must be a DNS subdomain (DNS labels joined by dots, at most 253 characters); {_REFUSED}"
        fields.findings.refuse(fields.path(key), value, message)
    return value


def _strings(fields: Fields, key: str) -> Mapping[str, object]:
    value = fields.raw(key)
    if is_object(value):
        return value
    if value is not None:
        fields.findings.refuse(fields.path(key), value, f"must be an object of strings; {_REFUSED}")
    return {}


def _shown(name: object) -> str:
    # A good name may be longer than what `shorten` shows.
    return name if isinstance(name, str) and is_dns_subdomain(name) else shorten(name)
