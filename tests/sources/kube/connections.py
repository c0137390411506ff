"""Connections that change under the reflector."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Container, Mapping
from contextlib import asynccontextmanager

from userproxy.errors import CredentialsError
from userproxy.sources.kube.connection import AnonymousConnection

__all__ = ["Moving", "Reconfigured", "Tokens", "nobody_listens"]


class Moving(AnonymousConnection):
    """Leads to ``away_url`` for the requests whose numbers are in ``away``, else to ``url``."""

    def __init__(self, url: str, away_url: str, *, away: Container[int]) -> None:
        super().__init__(url)
        self._url = url
        self._away_url = away_url
        self._away = away
        self._count = 0

    async def headers(self) -> Mapping[str, str]:
        self.server = self._away_url if self._count in self._away else self._url
        self._count += 1
        return {}


class Reconfigured(AnonymousConnection):
    """Leads from one cluster to the next at each reload."""

    def __init__(self, *urls: str) -> None:
        super().__init__(urls[0])
        self._urls = list(urls)

    @property
    def cluster(self) -> object:
        return self.server

    async def headers(self) -> Mapping[str, str]:
        self.server = self._urls[0]
        return {}

    def reload(self) -> None:
        del self._urls[0]


class Tokens(AnonymousConnection):
    """A new token after each refusal; the first ``failures`` times there is none to be had."""

    def __init__(self, url: str, *, failures: int = 0) -> None:
        super().__init__(url)
        self.renewals = 0
        self.reloads = 0
        self._failures = failures

    async def headers(self) -> Mapping[str, str]:
        if self._failures:
            self._failures -= 1
            raise CredentialsError("token file is gone")
        return {"Authorization": f"Bearer token-{self.renewals}"}

    def refused(self) -> None:
        self.renewals += 1

    def reload(self) -> None:
        self.reloads += 1


@asynccontextmanager
async def nobody_listens() -> AsyncIterator[str]:
    """A URL where connections are refused: its port is taken, and nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
