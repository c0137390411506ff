"""The ``Status`` objects that an API server answers instead of what was asked for.

In: what went wrong. Out: a `StatusError` that carries code, reason, message and details, worded so that
kubectl's own messages read as against a real server (API conventions, "Response Status Kind").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from userproxy.errors import UserproxyError
from userproxy.manifest.field_errors import FieldError, Reason
from userproxy.manifest.kinds import Kind

__all__ = [
    "StatusError",
    "already_exists",
    "bad_request",
    "conflict",
    "expired",
    "forbidden",
    "internal",
    "invalid",
    "invalid_options",
    "method_not_allowed",
    "no_such_resource",
    "not_found",
    "not_permitted",
    "success",
    "too_large_version",
    "too_many_bytes",
    "unauthorized",
    "unsupported_media_type",
]


class StatusError(UserproxyError):
    """A request that the API server refuses. ``code`` is the HTTP status, ``reason`` the machine's word."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self.metadata: dict[str, object] = {}
        """List metadata that goes along: a continue token that works, after one that did not."""

    def body(self) -> dict[str, object]:
        """The ``Status`` object, as it goes over the wire or into an ERROR event."""
        body: dict[str, object] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
        return {field: value for field, value in body.items() if value or field == "metadata"}


def success(kind: Kind, name: str, uid: object) -> dict[str, object]:
    """What a delete answers when the object itself is not given back."""
    details = {"name": name, "group": kind.group, "kind": kind.plural, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {field: value for field, value in details.items() if value},
    }


def _details(kind: Kind, name: str, **more: object) -> dict[str, object]:
    named = {"name": name, "group": kind.group, "kind": kind.plural, **more}
    return {field: value for field, value in named.items() if value}


def _resource(kind: Kind) -> str:
    """``services`` or ``endpointslices.discovery.k8s.io``."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def not_found(kind: Kind, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{_resource(kind)} "{name}" not found', _details(kind, name))


def no_such_resource() -> StatusError:
    """The path names no resource that is served."""
    return StatusError(404, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str) -> StatusError:
    message = f'{_resource(kind)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> StatusError:
    """A write was based on another version of the object than the newest, or on another object."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {_resource(kind)} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(kind, name))


def forbidden(kind: Kind, name: str, why: str) -> StatusError:
    message = f'{_resource(kind)} "{name}" is forbidden: {why}'
    return StatusError(403, "Forbidden", message, _details(kind, name))


def not_permitted(kind: Kind, resource: str, verb: str, namespace: str, name: str) -> StatusError:
    """No role gives this right."""
    what = f'{kind.plural} "{name}"' if name else kind.plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    why = f'User "system:anonymous" cannot {verb} resource "{resource}" in API group "{kind.group}" {where}'
    return StatusError(403, "Forbidden", f"{what} is forbidden: {why}", _details(kind, name))


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def internal(message: str) -> StatusError:
    """Nothing is wrong with the request; the server cannot do it."""
    return StatusError(500, "InternalError", f"Internal error occurred: {message}")


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def invalid(kind: Kind, name: str, errors: Sequence[FieldError]) -> StatusError:
    """The object was understood, and its values break a rule."""
    listed = str(errors[0]) if len(errors) == 1 else f"[{', '.join(map(str, errors))}]"
    title = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": _causes(errors)}
    details = {field: value for field, value in details.items() if value}
    return StatusError(422, "Invalid", f'{title} "{name}" is invalid: {listed}', details)


def invalid_options(field: str, message: str) -> StatusError:
    """Query parameters that do not go together."""
    error = FieldError(field, None, message, Reason.FORBIDDEN)
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": _causes([error])}
    return StatusError(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {error}', details)


def _causes(errors: Sequence[FieldError]) -> list[dict[str, object]]:
    return [{"reason": error.reason.value, "message": error.detail, "field": error.field} for error in errors]


def expired(message: str) -> StatusError:
    """The version is older than the history that is kept (rule R5)."""
    return StatusError(410, "Expired", message)


def too_large_version(asked: int, current: int) -> StatusError:
    """The version lies in the future; clients are to match the cause (rule R3)."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return StatusError(
        504,
        "Timeout",
        f"Too large resource version: {asked}, current: {current}",
        {"causes": [cause], "retryAfterSeconds": 1},
    )


def method_not_allowed() -> StatusError:
    return StatusError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def unsupported_media_type(given: str, accepted: Sequence[str]) -> StatusError:
    return StatusError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format ({given or 'no Content-Type'})"
        f" - accepted media types include: {', '.join(accepted)}",
    )


def too_many_bytes(limit: int) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit} bytes")
