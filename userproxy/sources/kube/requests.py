"""One HTTP request to the API server with fresh credentials, its TLS and its proxy: for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from userproxy.errors import CredentialsError
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.transport_errors import mapped, without_userinfo

__all__ = ["USER_AGENT", "open_session", "request"]

USER_AGENT = "userproxy"


def open_session() -> aiohttp.ClientSession:
    """A session for `request`; the caller closes it."""
    return aiohttp.ClientSession(
        # Requests are few and long: a limit could only make one wait for another for ever.
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # the connection says the proxy
    )


async def request(
    session: aiohttp.ClientSession,
    connection: Connection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    *,
    asked: object,
    timeouts: aiohttp.ClientTimeout,
    read_until_eof: bool = True,
) -> aiohttp.ClientResponse:
    """The response, whatever its status; the caller closes it. ``target``: quoted path and query.

    Raises what `mapped` makes of aiohttp's errors, with ``asked`` as the words for the request; and
    CredentialsError.
    """
    # A header may stand there more than once, so it is copied as a multidict.
    authorized = CIMultiDict(await connection.headers())
    authorized.update(headers)
    context = connection.ssl_context()
    server = without_userinfo(connection.server)
    try:
        url = URL(f"{connection.server}{target}", encoded=True)
    except ValueError:
        raise CredentialsError(f"{server} is no URL that can be used") from None
    with mapped(asked, server, timeouts):
        # Connections are pooled by their TLS context too: one that changed opens new ones.
        return await session.request(
            method,
            url,
            headers=authorized,
            timeout=timeouts,
            allow_redirects=False,  # the token is for this server alone
            proxy=connection.proxy_url,
            ssl=True if context is None else context,
            server_hostname=connection.tls_server_name,
            read_until_eof=read_until_eof,
        )
