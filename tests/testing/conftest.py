"""An API server, and a client that is nothing but HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.testing.api_server.http_client import HttpClient
from userproxy.testing import ApiServer


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as running:
        yield running


@pytest.fixture
async def client(server: ApiServer) -> AsyncIterator[HttpClient]:
    async with HttpClient(server.url) as opened:
        yield opened
