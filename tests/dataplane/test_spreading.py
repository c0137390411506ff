"""A client, by its address, always meets the same socket of a group."""

from __future__ import annotations

import socket
from collections import defaultdict

import pytest

from tests.ipv6 import needs_ipv6
from userproxy.dataplane.spreading import spread_clients

CLIENTS = [f"127.0.0.{number}" for number in range(1, 33)]


def group(kind: int, host: str = "127.0.0.1", size: int = 2) -> list[socket.socket]:
    """Sockets that share one address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    for _ in range(size):
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, sockets[0].getsockname()[1] if sockets else 0))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        sock.setblocking(False)
        sockets.append(sock)
    return sockets


def met(sockets: list[socket.socket]) -> dict[str, set[int]]:
    """Which sockets each client met."""
    found: dict[str, set[int]] = defaultdict(set)
    for number, sock in enumerate(sockets):
        while True:
            try:
                if sock.type == socket.SOCK_STREAM:
                    client, address = sock.accept()
                    client.close()
                else:
                    _, address = sock.recvfrom(1)
            except BlockingIOError:
                break
            found[address[0]].add(number)
    return found


@pytest.mark.spec("B2")
def test_a_tcp_client_meets_one_socket_and_clients_are_spread() -> None:
    sockets = group(socket.SOCK_STREAM)
    for sock in sockets:
        spread_clients(sock, len(sockets))
    for client in CLIENTS * 3:
        with socket.create_connection(sockets[0].getsockname(), source_address=(client, 0)):
            pass
    found = met(sockets)
    assert found.keys() == set(CLIENTS)
    assert {len(numbers) for numbers in found.values()} == {1}
    assert set.union(*found.values()) == {0, 1}
    for sock in sockets:
        sock.close()


@pytest.mark.spec("B2")
def test_a_udp_client_meets_one_socket_and_clients_are_spread() -> None:
    sockets = group(socket.SOCK_DGRAM)
    spread_clients(sockets[0], len(sockets))  # of a UDP group one is enough
    for client in CLIENTS * 3:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((client, 0))
            sender.sendto(b"x", sockets[0].getsockname())
    found = met(sockets)
    assert found.keys() == set(CLIENTS)
    assert {len(numbers) for numbers in found.values()} == {1}
    assert set.union(*found.values()) == {0, 1}
    for sock in sockets:
        sock.close()


@needs_ipv6
def test_the_address_of_an_ipv6_client_counts_and_its_port_does_not() -> None:
    sockets = group(socket.SOCK_STREAM, "::1")
    for sock in sockets:
        spread_clients(sock, len(sockets))
    for _ in range(32):
        with socket.create_connection(sockets[0].getsockname()[:2]):
            pass
    assert len(met(sockets)["::1"]) == 1
    for sock in sockets:
        sock.close()
