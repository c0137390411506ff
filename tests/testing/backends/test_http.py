"""The HTTP backend: its name in every answer, keep-alive, pipelining, bodies, bad requests."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from userproxy.testing.backends import HttpBackend


async def exchange(backend: HttpBackend, request: bytes) -> bytes:
    """All that comes back until the backend closes the connection."""
    reader, writer = await asyncio.open_connection(backend.host, backend.port)
    writer.write(request)
    writer.write_eof()
    answer = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_every_answer_names_the_backend_on_one_connection() -> None:
    async with HttpBackend("a") as backend, aiohttp.ClientSession() as session:
        for path in ("/", "/deep/er?x=y"):
            async with session.get(f"http://{backend.endpoint}{path}") as response:
                assert (response.status, await response.text()) == (200, "a\n")
                assert response.headers["X-Backend"] == "a"
        async with session.post(f"http://{backend.endpoint}/", data=b"x" * 100_000) as response:
            assert await response.text() == "a\n"
        assert (backend.requests, backend.connections) == (3, 1)


async def test_head_has_no_body() -> None:
    async with HttpBackend("a") as backend, aiohttp.ClientSession() as session:
        async with session.head(f"http://{backend.endpoint}/") as response:
            assert (response.status, response.headers["Content-Length"]) == (200, "2")
        async with session.get(f"http://{backend.endpoint}/") as response:
            assert await response.text() == "a\n"
        assert backend.connections == 1


async def test_pipelined_requests_are_answered_in_order() -> None:
    one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with_body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET "
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with HttpBackend("a") as backend:
        answer = await exchange(backend, one + with_body + last)
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
        assert answer.count(b"a\n") == 3
        assert answer.count(b"Connection: close") == 1


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_a_request_may_come_in_pieces(size: int) -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    async with HttpBackend("a") as backend:
        reader, writer = await asyncio.open_connection(backend.host, backend.port)
        for start in range(0, len(request), size):
            writer.write(request[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.read(-1)).endswith(b"\r\n\r\na\n")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", b"400", id="no request"),
        pytest.param(b"GET / HTTP/2\r\n\r\n", b"400", id="another version"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400", id="length"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501", id="chunked"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"431", id="endless head"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", b"200", id="HTTP/1.0 closes"),
    ],
)
async def test_requests_that_end_the_connection(request_: bytes, status: bytes) -> None:
    async with HttpBackend("a") as backend:
        answer = await exchange(backend, request_)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_backend_that_closes_says_so_and_ends_the_connection() -> None:
    async with HttpBackend("a") as backend:
        backend.closes = True
        answer = await exchange(backend, b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200 OK") == 1
        assert b"Connection: close" in answer


async def test_a_stalled_backend_answers_later() -> None:
    async with HttpBackend("a") as backend, aiohttp.ClientSession() as session:
        backend.stall()

        async def ask() -> str:
            async with session.get(f"http://{backend.endpoint}/") as response:
                return await response.text()

        answer = asyncio.create_task(ask())
        async with HttpBackend("b") as other, session.get(f"http://{other.endpoint}/") as response:
            assert await response.text() == "b\n"
        assert not answer.done()
        backend.resume()
        assert await answer == "a\n"
