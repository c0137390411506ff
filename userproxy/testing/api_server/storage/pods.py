"""Rules of a Pod, as far as anybody who forwards to it relies on them."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.field_errors import FieldError, FieldErrors, Reason
from userproxy.manifest.kinds import POD
from userproxy.manifest.validation.metadata import check_metadata, check_metadata_update
from userproxy.model.fields import is_object
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.paths import at
from userproxy.testing.api_server.storage.store import metadata_of
from userproxy.testing.objects import BACKEND_ANNOTATION

__all__ = ["backend_of", "validate_pod"]

_MOST = 65535


def backend_of(raw: RawObject, port: int) -> tuple[str, int] | None:
    """Host and port of what stands for ``port`` of the Pod; None when nothing does."""
    return _place(at(raw, "metadata", "annotations", f"{BACKEND_ANNOTATION}{port}"))


def validate_pod(raw: RawObject, previous: RawObject | None) -> tuple[FieldError, ...]:
    """Why ``raw`` is refused: its metadata, its backends, the ports of its containers."""
    errors = FieldErrors()
    metadata = metadata_of(raw)
    check_metadata(metadata, POD, errors)
    if previous is not None:
        check_metadata_update(metadata, metadata_of(previous), errors)
    annotations = metadata.get("annotations")
    _check_backends(annotations if is_object(annotations) else {}, errors)
    containers = at(raw, "spec", "containers")
    if not containers:
        errors.require("spec.containers")
    for path, container in errors.objects("spec.containers", containers):
        for port_path, port in errors.objects(f"{path}.ports", container.get("ports")):
            _check_number(f"{port_path}.containerPort", port.get("containerPort"), errors)
    return errors.found


def _check_backends(annotations: Mapping[str, object], errors: FieldErrors) -> None:
    for key, value in annotations.items():
        if not key.startswith(BACKEND_ANNOTATION):
            continue
        if not _number(key.removeprefix(BACKEND_ANNOTATION)):
            errors.add("metadata.annotations", key, f"must be {BACKEND_ANNOTATION}PORT")
        elif _place(value) is None:
            errors.add(f"metadata.annotations[{key}]", value, "must be HOST:PORT, such as 127.0.0.1:9001")


def _check_number(path: str, value: object, errors: FieldErrors) -> None:
    if value is None:
        errors.require(path)
    elif not (isinstance(value, int) and 0 < value <= _MOST):
        errors.add(path, value, f"must be between 1 and {_MOST}, inclusive", Reason.INVALID)


def _place(text: object) -> tuple[str, int] | None:
    host, _, number = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]")
    return (host, _number(number)) if host and _number(number) else None


def _number(text: str) -> int:
    """0 for what is no port."""
    return int(text) if text.isascii() and text.isdigit() and int(text) <= _MOST else 0
