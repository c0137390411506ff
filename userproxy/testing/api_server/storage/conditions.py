"""What a write takes for granted of the stored object: its version and its uid."""

from __future__ import annotations

from userproxy.manifest.kinds import Kind
from userproxy.testing.api_server.statuses import conflict
from userproxy.testing.api_server.storage.history import RawObject
from userproxy.testing.api_server.storage.writing import DeleteOptions

__all__ = ["check_basis", "check_preconditions"]


def check_basis(kind: Kind, name: str, stated: RawObject, stored: RawObject) -> None:
    """Raise StatusError (409) when the metadata of a new version is based on another version or object."""
    uid, version = stated.get("uid"), stated.get("resourceVersion")
    if uid and uid != stored.get("uid"):
        raise conflict(kind, name, _other_uid(uid, stored))
    if version and version != stored.get("resourceVersion"):
        raise conflict(kind, name)


def check_preconditions(kind: Kind, name: str, stored: RawObject, options: DeleteOptions) -> None:
    """Raise StatusError (409) when a delete means another version or object."""
    if options.uid and options.uid != stored.get("uid"):
        raise conflict(kind, name, _other_uid(options.uid, stored))
    version = stored.get("resourceVersion")
    if options.resource_version and options.resource_version != version:
        why = (
            "the ResourceVersion in the precondition"
            f" ({options.resource_version}) does not match the ResourceVersion in record ({version})."
            " The object might have been modified"
        )
        raise conflict(kind, name, why)


def _other_uid(uid: object, stored: RawObject) -> str:
    return f"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored.get('uid')}"
