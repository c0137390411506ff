"""Validation of ``metadata``, for every kind."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.field_errors import FieldErrors, Reason
from userproxy.manifest.kinds import NAMESPACE, SERVICE, Kind
from userproxy.manifest.names import (
    DNS_LABEL,
    DNS_LABEL_1035,
    DNS_SUBDOMAIN,
    LABEL_VALUE,
    QUALIFIED_NAME,
    is_dns_label_1035,
    is_dns_subdomain,
    is_label_value,
    is_qualified_name,
)
from userproxy.model.fields import is_object
from userproxy.model.metadata import is_dns_label

__all__ = ["check_labels", "check_metadata", "check_metadata_update"]

_ANNOTATIONS_BYTES = 256 * 1024
"""Keys and values of all annotations together."""
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp")
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid")


def check_metadata(metadata: Mapping[str, object], kind: Kind, errors: FieldErrors) -> None:
    """Name, namespace, labels, annotations, finalizers and owners."""
    _check_name(metadata.get("name"), kind, errors)
    namespace = metadata.get("namespace")
    if kind.namespaced and not (isinstance(namespace, str) and is_dns_label(namespace)):
        errors.add("metadata.namespace", namespace, DNS_LABEL)
    elif not kind.namespaced and namespace:
        errors.forbid("metadata.namespace", f"a {kind.kind} has no namespace")
    check_labels("metadata.labels", metadata.get("labels"), errors)
    _check_annotations(metadata.get("annotations"), errors)
    for index, finalizer in enumerate(errors.items("metadata.finalizers", metadata.get("finalizers"))):
        if not (isinstance(finalizer, str) and is_qualified_name(finalizer)):
            errors.add(f"metadata.finalizers[{index}]", finalizer, QUALIFIED_NAME)
    _check_owners(metadata.get("ownerReferences"), errors)


def check_metadata_update(
    metadata: Mapping[str, object], previous: Mapping[str, object], errors: FieldErrors
) -> None:
    """What names an object does not change."""
    for field in _IMMUTABLE:
        old = previous.get(field)
        if old is not None and metadata.get(field) != old:
            errors.add(f"metadata.{field}", metadata.get(field), "field is immutable")


def check_labels(path: str, labels: object, errors: FieldErrors) -> None:
    """Keys and values of ``metadata.labels`` or of a selector."""
    if labels is None:
        return
    if not is_object(labels):
        errors.add(path, labels, "must be an object of strings", Reason.WRONG_TYPE)
        return
    for key, value in labels.items():
        if not is_qualified_name(key):
            errors.add(path, key, f"the key {QUALIFIED_NAME}")
        if not (isinstance(value, str) and is_label_value(value)):
            errors.add(path, value, f"the value of {key} {LABEL_VALUE}")


def _check_name(name: object, kind: Kind, errors: FieldErrors) -> None:
    if name is None or name == "":
        errors.require("metadata.name", "name or generateName is required")
        return
    check, rule = is_dns_subdomain, DNS_SUBDOMAIN
    if kind == SERVICE:
        check, rule = is_dns_label_1035, DNS_LABEL_1035
    elif kind == NAMESPACE:
        check, rule = is_dns_label, DNS_LABEL
    if not (isinstance(name, str) and check(name)):
        errors.add("metadata.name", name, rule)


def _check_annotations(annotations: object, errors: FieldErrors) -> None:
    path, size = "metadata.annotations", 0
    if annotations is None:
        return
    if not is_object(annotations):
        errors.add(path, annotations, "must be an object of strings", Reason.WRONG_TYPE)
        return
    for key, value in annotations.items():
        # Upper case is tolerated in the prefix of an annotation.
        if not is_qualified_name(key.lower()):
            errors.add(path, key, f"the key {QUALIFIED_NAME}")
        if not isinstance(value, str):
            errors.add(path, value, f"the value of {key} must be a string", Reason.WRONG_TYPE)
            continue
        size += len(key.encode("utf-8", "surrogatepass")) + len(value.encode("utf-8", "surrogatepass"))
    if size > _ANNOTATIONS_BYTES:
        errors.add(path, "", f"may not be more than {_ANNOTATIONS_BYTES} bytes", Reason.TOO_LONG)


def _check_owners(owners: object, errors: FieldErrors) -> None:
    controllers = 0
    for path, owner in errors.objects("metadata.ownerReferences", owners):
        for field in _OWNER_FIELDS:
            if not owner.get(field):
                errors.require(f"{path}.{field}")
        controllers += owner.get("controller") is True
    if controllers > 1:
        errors.add("metadata.ownerReferences", owners, "only one owner may be the controller")
