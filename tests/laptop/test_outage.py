"""The API server goes away and comes back, and a thousand clients come at once: nothing is restarted."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.command_line.process import WEB
from tests.laptop.laptop import laptop
from userproxy.testing import ApiServer
from userproxy.testing.backends import HttpBackend
from userproxy.testing.objects import pod, service

REQUEST = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
CROWD = 1000


async def get(address: tuple[str, int]) -> bytes:
    """The last line of the answer; b"" when there was none."""
    try:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(REQUEST)
            return (await reader.read()).rpartition(b"\r\n")[2].strip()
        finally:
            writer.close()
    except OSError:
        return b""


async def test_a_crowd_is_answered_and_the_server_may_go_away_meanwhile(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ApiServer())
        web = service(WEB, "http:18482", selector={"app": "web"})
        backends = [await stack.enter_async_context(HttpBackend("web")) for _ in range(4)]
        pods = [
            pod(f"web-{number}", backends={18482: backend.endpoint}, labels={"app": "web"})
            for number, backend in enumerate(backends)
        ]
        await server.apply(web, *pods)
        config = server.kubeconfig(tmp_path / "config")
        run = await stack.enter_async_context(laptop(tmp_path / "laptop", config, "--addresses", "ephemeral"))
        address = await run.address(WEB)
        answers = await asyncio.gather(*(get(address) for _ in range(CROWD)))
        assert answers == [b"web"] * CROWD
        await server.forwarding(connections=0)

        await server.stop()
        async with asyncio.timeout(60):
            # The first may still meet an upgrade that is breaking; the next one dials, and the log says why.
            while "port_forward_failed" not in run.errors.read_text():
                assert await get(address) == b""
                await asyncio.sleep(0.05)
        await server.start(port=server.port)
        async with asyncio.timeout(60):
            while await get(address) != b"web":  # between tries is a back-off of the proxy
                await asyncio.sleep(0.05)
        assert await run.stop() == 0
    assert [backend.open_connections for backend in backends] == [0] * 4
