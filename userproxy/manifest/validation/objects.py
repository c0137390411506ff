"""Validation of a whole object, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from userproxy.manifest.field_errors import FieldError, FieldErrors, Reason
from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NODE, SERVICE, Kind, kind_of
from userproxy.manifest.validation.endpoints import check_endpoints
from userproxy.manifest.validation.metadata import check_metadata, check_metadata_update
from userproxy.manifest.validation.node import check_node, check_node_update
from userproxy.manifest.validation.service import check_service
from userproxy.manifest.validation.service_update import check_service_update
from userproxy.manifest.validation.slices import check_slice, check_slice_update
from userproxy.model.fields import is_object

__all__ = ["validate"]

Fields = Mapping[str, object]


def validate(raw: Fields, previous: Fields | None = None) -> tuple[FieldError, ...]:
    """Why ``raw``, which is complete, is refused; ``previous`` is the stored object that it replaces.

    Empty when it is accepted. Objects of kinds or versions that are not read are accepted.
    """
    kind = kind_of(raw.get("apiVersion"), raw.get("kind"))
    if kind is None:
        return ()
    errors = FieldErrors()
    metadata = _object(raw, "metadata", errors)
    check_metadata(metadata, kind, errors)
    if previous is not None:
        old_metadata = previous.get("metadata")
        check_metadata_update(metadata, old_metadata if is_object(old_metadata) else {}, errors)
    # A slice and Endpoints have their fields at the top, the others in a spec.
    fields = _object(raw, "spec", errors) if kind in _HAS_SPEC else raw
    if kind in _CHECKS:
        _CHECKS[kind](fields, errors)
    if kind in _UPDATE_CHECKS and previous is not None:
        old = previous.get("spec") if kind in _HAS_SPEC else previous
        _UPDATE_CHECKS[kind](fields, old if is_object(old) else {}, errors)
    return errors.found


_HAS_SPEC = frozenset({SERVICE, NODE})
_CHECKS: Mapping[Kind, Callable[[Fields, FieldErrors], None]] = {
    SERVICE: check_service,
    ENDPOINT_SLICE: check_slice,
    ENDPOINTS: check_endpoints,
    NODE: check_node,
}
_UPDATE_CHECKS: Mapping[Kind, Callable[[Fields, Fields, FieldErrors], None]] = {
    SERVICE: check_service_update,
    ENDPOINT_SLICE: check_slice_update,
    NODE: check_node_update,
}


def _object(raw: Fields, field: str, errors: FieldErrors) -> Fields:
    value = raw.get(field)
    if is_object(value):
        return value
    if value is not None:
        errors.add(field, value, "must be an object", Reason.WRONG_TYPE)
    return {}
