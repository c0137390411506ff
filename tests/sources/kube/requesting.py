"""Requests over real sockets: a client with credentials, TLS, and errors that may show no secret."""

from __future__ import annotations

import ssl
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from tests.sources.kube import pki
from userproxy.errors import UserproxyError
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.connection import AnonymousConnection, Connection
from userproxy.sources.kube.resources import SERVICES, Collection
from userproxy.sources.kube.timing import Timing

__all__ = [
    "COLLECTION",
    "PASSWORD",
    "SECRET",
    "Credentials",
    "client_of",
    "failure",
    "server_tls",
    "trusting",
]

COLLECTION = Collection(SERVICES)
SECRET = "s3cr3t-t0ken"
PASSWORD = "pr0xy-passw0rd"


class Credentials(AnonymousConnection):
    """A connection with a token, and a TLS set-up that may change."""

    def __init__(
        self,
        server: str,
        *,
        context: ssl.SSLContext | None = None,
        proxy_url: str | None = None,
        tls_server_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(server, proxy_url, tls_server_name)
        self.context = context
        self._headers = headers or {"Authorization": f"Bearer {SECRET}"}

    def ssl_context(self) -> ssl.SSLContext | None:
        return self.context

    async def headers(self) -> Mapping[str, str]:
        return self._headers


@asynccontextmanager
async def client_of(connection: Connection, **timing: float) -> AsyncIterator[ApiClient]:
    client = ApiClient(connection, Timing(**timing))  # type: ignore[arg-type]  # named figures of Timing
    try:
        yield client
    finally:
        await client.aclose()


async def failure(connection: Connection, **timing: float) -> UserproxyError:
    """The error of one list; neither it nor anything in its chain shows a secret."""
    async with client_of(connection, **timing) as client:
        with pytest.raises(UserproxyError) as caught:
            await client.page(COLLECTION, {})
    shown = "".join(traceback.format_exception(caught.value))
    error: BaseException | None = caught.value
    while error is not None:
        shown += repr(error) + str(error)
        error = error.__cause__
    assert SECRET not in shown
    assert PASSWORD not in shown
    return caught.value


def server_tls(name: str = "127.0.0.1", not_after: datetime | None = None) -> ssl.SSLContext:
    """TLS of a server that is called ``name``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pki.authority().issue_cert(name, not_after=not_after).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    """TLS of a client that trusts such servers; a new one each time."""
    context = ssl.create_default_context()
    pki.authority().configure_trust(context)
    return context
