"""Acting as somebody else: a kubeconfig user's ``as`` fields, and the headers they become. Pure."""

from __future__ import annotations

import string
from dataclasses import dataclass

__all__ = ["Impersonation"]

# The token characters of RFC 9110, section 5.6.2, less the percent sign, which escapes.
_PLAIN = frozenset((string.ascii_letters + string.digits + "!#$&'*+-.^_`|~").encode())


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Whom the API server shall take us for; it asks for the right to impersonate first."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Names and values; Impersonate-Group comes once for each group."""
        pairs = [("Impersonate-User", self.user)]
        if self.uid:
            pairs.append(("Impersonate-Uid", self.uid))
        pairs.extend(("Impersonate-Group", group) for group in self.groups)
        for key, values in self.extra:
            name = "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in key.encode())
            pairs.extend((f"Impersonate-Extra-{name}", value) for value in values)
        return tuple(pairs)
