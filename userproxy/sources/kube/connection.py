"""The seam between the API client and credentials: where to connect and how to prove who we are.

In: nothing; a connection reads its own files and runs its own plugin. Out: for each request, in this
order, ``headers()`` and then ``ssl_context()``. The client owns sockets and retries, the connection owns
whatever authorises. `find_connection` in ``lookup`` makes one out of options and files.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Protocol

from userproxy.sources.kube.tls import client_context

__all__ = ["AnonymousConnection", "Connection"]


class Connection(Protocol):
    """One API server and the credentials for it. ``repr`` never shows a secret."""

    @property
    def server(self) -> str:
        """Base URL without a trailing slash; it may have a path. Read it for each request: it may move."""
        ...

    @property
    def cluster(self) -> object:
        """Which cluster this is: while it stays equal, resourceVersions mean the same. It may change as
        `server` may; never to be shown.
        """
        ...

    @property
    def in_cluster(self) -> bool:
        """Whether these are the credentials of a pod of that cluster."""
        ...

    @property
    def proxy_url(self) -> str | None:
        """HTTP proxy to go through (kubeconfig ``proxy-url``, else HTTPS_PROXY and NO_PROXY, as kubectl).

        It may hold a password: never log it.
        """
        ...

    @property
    def tls_server_name(self) -> str | None:
        """Name for SNI and the certificate check; None: the host of `server`."""
        ...

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS set-up for a new connection; None for plain HTTP.

        Ask after `headers`, which is what runs an exec plugin. The same object as long as nothing
        changed; a new one when certificate files changed or the plugin gave a new client certificate.
        Raises CredentialsError when a file cannot be used.
        """
        ...

    async def headers(self) -> Mapping[str, str]:
        """Headers that authorise one request, fresh: tokens are read or renewed before they expire.

        A name may stand there more than once (Impersonate-Group): what comes back may be a multidict, to be
        passed on or copied as one (``CIMultiDict(await connection.headers())``), never through ``{**...}``.
        Raises CredentialsError when a token cannot be had; the caller backs off and asks again.
        """
        ...

    def refused(self) -> None:
        """The server answered 401: the next `headers` reads files again and runs the plugin once (R5)."""
        ...

    def reload(self) -> None:
        """Read everything again at the next use (SIGHUP)."""
        ...


class AnonymousConnection:
    """``--server URL``: no credentials, the system's certificate authorities."""

    __slots__ = ("_context", "proxy_url", "server", "tls_server_name")

    def __init__(self, server: str, proxy_url: str | None = None, tls_server_name: str | None = None) -> None:
        self.server = server
        self.proxy_url = proxy_url
        self.tls_server_name = tls_server_name
        self._context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"AnonymousConnection(server={self.server!r})"

    @property
    def cluster(self) -> object:
        return None  # there is only the one that was given

    @property
    def in_cluster(self) -> bool:
        return False

    def ssl_context(self) -> ssl.SSLContext | None:
        # Made when first asked for: reading the system's authorities is slow, and plain HTTP needs none.
        if self._context is None and self.server.startswith("https:"):
            self._context = client_context()
        return self._context

    async def headers(self) -> Mapping[str, str]:
        return {}

    def refused(self) -> None:
        """Nothing to renew."""

    def reload(self) -> None:
        self._context = None
