"""userproxy inside a program: a Service whose endpoint is replaced while a client talks to it.

python examples/embed.py
"""

from __future__ import annotations

import asyncio

from userproxy import Addresses, MemorySource, Proxy, Settings
from userproxy.testing.objects import endpoint_slice, service


async def backend(name: str) -> asyncio.Server:
    """Says its name to everybody who connects."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{name}\n".encode())
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def endpoint(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()
    return f"{host}:{port}"


async def ask(host: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()


async def main() -> None:
    blue, green = await backend("blue"), await backend("green")
    source = MemorySource()
    source.apply(service("web", "http:80"), endpoint_slice("web", [endpoint(blue)], port_name="http"))
    settings = Settings(addresses=Addresses.EPHEMERAL)
    async with blue, green, Proxy(source, settings=settings) as proxy:
        await proxy.settled()
        host, port = proxy.address("default/web", "http")
        print(f"default/web is at {host}:{port}")
        print("first:", await ask(host, port))
        source.apply(endpoint_slice("web", [endpoint(green)], port_name="http"))
        await proxy.settled()
        print("then:", await ask(host, port))


if __name__ == "__main__":
    asyncio.run(main())
