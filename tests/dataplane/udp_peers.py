"""Clients and endpoints that speak UDP, as a test plays them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.dataplane.harness import Harness, route
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.dataplane.udp_clients import Address
from userproxy.model.names import Protocol, ServicePortName
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import PortOptions

DNS = ServicePortName("default", "web", "dns", Protocol.UDP)


class UdpPeer:
    """A bound socket. Connected (`to`), it takes datagrams from that address only, and ICMP errors."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        try:
            self.sock.bind((host, port))
        except BaseException:
            self.sock.close()
            raise

    @classmethod
    def to(cls, address: tuple[str, int], host: str | None = None) -> UdpPeer:
        """A client of ``address``; ``host`` is its own."""
        peer = cls(host or ("::1" if ":" in address[0] else "127.0.0.1"))
        peer.sock.connect(address)
        return peer

    @property
    def address(self) -> Address:
        address: Address = self.sock.getsockname()
        return address

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint.of(self.address[0], self.address[1])

    def send(self, *datagrams: bytes) -> None:
        """Send to the connected address, without giving the loop a turn."""
        for datagram in datagrams:
            self.sock.send(datagram)

    def answer(self, datagram: bytes, address: Address) -> None:
        self.sock.sendto(datagram, address)

    async def receive(self) -> bytes:
        return (await self.receive_from())[0]

    async def receive_from(self) -> tuple[bytes, Address]:
        """The next datagram and who sent it; ConnectionRefusedError after port unreachable."""
        while True:
            try:
                return self.sock.recvfrom(1 << 16)
            except BlockingIOError:
                await self._readable()

    def nothing_came(self) -> bool:
        try:
            self.sock.recvfrom(1 << 16)
        except BlockingIOError:
            return True
        return False

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        loop.add_reader(self.sock, told.set)
        try:
            await told.wait()
        finally:
            loop.remove_reader(self.sock)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> UdpPeer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextlib.contextmanager
def peers(count: int, host: str = "127.0.0.1") -> Iterator[list[UdpPeer]]:
    """That many endpoints, in the order in which a route has them."""
    with ExitStack() as stack:
        opened = [stack.enter_context(UdpPeer(host)) for _ in range(count)]
        yield sorted(opened, key=lambda peer: peer.endpoint)


@contextlib.contextmanager
def clients(count: int, address: tuple[str, int]) -> Iterator[list[UdpPeer]]:
    """That many clients, all open at once: the kernel soon gives the number of a closed one to another."""
    with ExitStack() as stack:
        yield [stack.enter_context(UdpPeer.to(address)) for _ in range(count)]


def udp_route(
    *endpoints: UdpPeer,
    host: str = "127.0.0.1",
    options: PortOptions | None = None,
    session_affinity_s: int | None = None,
) -> Route:
    return route(
        *(peer.endpoint for peer in endpoints),
        name=DNS,
        host=host,
        service_port=53,
        options=options,
        session_affinity_s=session_affinity_s,
    )


async def exchange(client: UdpPeer, endpoint: UdpPeer, datagram: bytes = b"ping") -> Address:
    """One datagram to ``endpoint`` and its answer back; returns the address that the endpoint saw."""
    client.send(datagram)
    data, seen = await endpoint.receive_from()
    assert data == datagram
    endpoint.answer(b"re:" + datagram, seen)
    assert await client.receive() == b"re:" + datagram
    return seen


async def until(true: Callable[[], bool]) -> None:
    """Let the loop turn until ``true()``; the test's own time limit ends a wait in vain."""
    while not true():  # what the data plane counts rings no bell
        await asyncio.sleep(0)


def port_of(h: Harness) -> PortSnapshot:
    """What the data plane says of the service port, also when it drains."""
    return next(port for port in h.plane.snapshot() if port.key == h.current.key)


def dropped(h: Harness, reason: str) -> int:
    return dict(port_of(h).dropped).get(reason, 0)


async def refused(client: UdpPeer) -> bool:
    """Send; True when port unreachable comes back at once (rule T8)."""
    client.send(b"anybody?")
    try:
        await client.receive()
    except ConnectionRefusedError:
        return True
    return False
