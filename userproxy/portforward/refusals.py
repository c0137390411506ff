"""What it means that the API server does not upgrade a connection: one line that says what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from userproxy.errors import UserproxyError
from userproxy.model.fields import is_object
from userproxy.model.names import NamespacedName
from userproxy.sources.kube.answers import trimmed

__all__ = ["Refusal", "Refused", "refused"]

_VERB = re.compile(r"cannot (\w+) resource")
"""In the API server's own words; the text is for people, so it may miss."""


class Refused(UserproxyError):
    """The API server did not upgrade, in any way. The message says why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that was not the upgrade."""

    method: str
    status: int
    body: bytes = b""
    """Its beginning."""

    @property
    def pod_is_gone(self) -> bool:
        """The API server itself says so: no other way needs to be tried."""
        status = self._object()
        details = status.get("details")
        return (
            self.status == 404
            and status.get("reason") == "NotFound"
            and is_object(details)
            and details.get("kind") == "pods"
        )

    @property
    def verb(self) -> str:
        """The verb that a role needs for this request."""
        found = _VERB.search(self.message)
        if found is not None:
            return found[1]
        return "get" if self.method == "GET" else "create"

    @property
    def message(self) -> str:
        said = self._object().get("message")
        return trimmed(said if isinstance(said, str) else self.body.decode("utf-8", "replace"))

    def _object(self) -> Mapping[str, object]:
        try:
            raw: object = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return raw if is_object(raw) and raw.get("kind") == "Status" else {}


def refused(refusals: tuple[Refusal, ...], pod: NamespacedName, server: str) -> Refused:
    """The error of all ``refusals``, in the order in which they came; at least one."""
    if any(refusal.pod_is_gone for refusal in refusals):
        return Refused(f"pod {pod} is gone: its EndpointSlice will follow")
    statuses = {refusal.status for refusal in refusals}
    said = next((refusal.message for refusal in refusals if refusal.message), "no message")
    if 401 in statuses:
        return Refused(f"{server} does not accept the credentials (HTTP 401): {said}")
    if 403 in statuses:
        verbs = dict.fromkeys(refusal.verb for refusal in refusals if refusal.status == 403)
        return Refused(
            f"forbidden to forward to pod {pod}; the role needs the verb {' and '.join(verbs)} on"
            f" pods/portforward: {said}"
        )
    came = ", ".join(f"{refusal.method} HTTP {refusal.status}" for refusal in refusals)
    return Refused(f"{server} does not forward to pod {pod}, in any way that is known ({came}): {said}")
