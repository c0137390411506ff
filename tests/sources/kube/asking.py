"""One GET over a `Connection`, the way the API client does it."""

from __future__ import annotations

import aiohttp

from userproxy.sources.kube.connection import Connection

__all__ = ["ask", "ask_twice"]


async def ask(connection: Connection, path: str = "/probe") -> int:
    """The status of the answer, on a connection of its own."""
    headers = await connection.headers()
    context = connection.ssl_context()
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{connection.server}{path}",
            headers=headers,
            ssl=True if context is None else context,
            server_hostname=connection.tls_server_name,
            proxy=connection.proxy_url,
        ) as response,
    ):
        return response.status


async def ask_twice(connection: Connection) -> int:
    """The status, of a second request after a 401."""
    status = await ask(connection)
    if status == 401:
        connection.refused()
        status = await ask(connection)
    return status
