"""The seam between the API client and credentials: where to connect and how to prove who we are."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["AnonymousConnection", "Connection"]


class Connection(Protocol):
    """One API server and the credentials for it. ``repr`` never shows a secret."""

    @property
    def server(self) -> str:
        """Base URL without a trailing slash; it may have a path."""
        ...

    @property
    def proxy_url(self) -> str | None:
        """HTTP proxy to go through (kubeconfig ``proxy-url``, else HTTPS_PROXY and NO_PROXY, as kubectl)."""
        ...

    @property
    def tls_server_name(self) -> str | None:
        """Name for SNI and the certificate check; None: the host of `server`."""
        ...

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS set-up for a new connection; None for plain HTTP.

        The same object as long as nothing changed; a new one when certificate files changed or an exec
        plugin gave a new client certificate. Raises CredentialsError when a file cannot be used.
        """
        ...

    async def headers(self) -> Mapping[str, str]:
        """Headers that authorise one request, fresh: tokens are read or renewed before they expire.

        Raises CredentialsError when a token cannot be had; the caller backs off and asks again.
        """
        ...

    def refused(self) -> None:
        """The server answered 401: the next `headers` reads files again and runs the plugin once (R5)."""
        ...

    def reload(self) -> None:
        """Read everything again at the next use (SIGHUP)."""
        ...


@dataclass(frozen=True, slots=True)
class AnonymousConnection:
    """``--server URL``: no credentials, the system's certificate authorities."""

    server: str
    proxy_url: str | None = None
    tls_server_name: str | None = None

    def ssl_context(self) -> ssl.SSLContext | None:
        return _SYSTEM_TRUST if self.server.startswith("https:") else None

    async def headers(self) -> Mapping[str, str]:
        return {}

    def refused(self) -> None:
        """Nothing to renew."""

    def reload(self) -> None:
        """Nothing to read."""


_SYSTEM_TRUST = ssl.create_default_context()
