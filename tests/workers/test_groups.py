"""Listening sockets: one group for each address, locked, kept until its workers have let go of it."""

from __future__ import annotations

import os
import socket
from _socket import socket as Socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.dataplane.harness import route
from tests.dataplane.udp_peers import udp_route
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.udp_sockets import is_refusing, refuse
from userproxy.model.names import Protocol, ServicePortName
from userproxy.model.routes import Route
from userproxy.workers.groups import Group, Groups

WEB = route(host="127.77.9.1")
OTHER = replace(WEB, name=ServicePortName("default", "other", ""))


@pytest.fixture
def groups() -> Iterator[Groups]:
    made = Groups(Descriptors(64), lambda route: (0, 1))
    yield made
    made.close()
    assert made._descriptors.used == 0


def opened(groups: Groups, wanted: Route, port: int = 0) -> Group:
    sock = groups.open(wanted, port)
    return groups.at(wanted.name.protocol, wanted.listen_host, sock.getsockname()[1])


def test_each_worker_has_a_socket_at_the_same_address_and_it_is_counted(groups: Groups) -> None:
    group = opened(groups, WEB)
    assert len({sock.getsockname() for sock in group.sockets.values()}) == 1
    assert group.sockets.keys() == {0, 1}
    assert groups._descriptors.used == 3


@pytest.mark.spec("L4")
@pytest.mark.parametrize("wanted", [WEB, udp_route()], ids=["TCP", "UDP"])
def test_L4_the_address_is_seen_as_taken_though_it_could_be_shared(groups: Groups, wanted: Route) -> None:
    _, _, port = opened(groups, wanted).address
    second = Groups(Descriptors(64), lambda route: (0, 1))
    with pytest.raises(OSError, match="Address already in use"):
        second.open(wanted, port)
    second.close()
    assert second._descriptors.used == 0


@pytest.mark.spec("L4")
def test_L4_the_lock_alone_makes_it_taken(groups: Groups) -> None:
    """While the sockets are not bound yet, or any more."""
    group = opened(groups, WEB)
    _, _, port = group.address
    for sock in group.sockets.values():
        sock.close()
    with pytest.raises(OSError, match="Address already in use"):
        groups.open(OTHER, port)


def test_what_is_left_may_be_opened_again_until_it_is_closed(groups: Groups) -> None:
    group = opened(groups, WEB)
    _, _, port = group.address
    groups.leave(group)
    left = groups.left()
    assert opened(groups, OTHER, port) is group
    groups.close_left(left)  # too late: somebody is there again
    assert group.sockets.keys() == {0, 1}
    groups.leave(group)
    groups.close_left(groups.left())
    assert groups._descriptors.used == 0


def test_what_a_service_port_moved_away_from_is_its_own_until_its_workers_know(groups: Groups) -> None:
    group = opened(groups, WEB)
    _, _, port = group.address
    groups.leave(group, moved=WEB.key)
    with pytest.raises(OSError, match="Address already in use"):
        groups.open(OTHER, port)
    assert opened(groups, WEB, port) is group


def test_workers_come_and_go(groups: Groups) -> None:
    group = opened(groups, WEB)
    kept = group.sockets[1]
    group.serve([1])
    assert group.sockets == {1: kept}
    group.serve([0, 1, 2])
    assert len({sock.getsockname() for sock in group.sockets.values()}) == 1
    assert groups._descriptors.used == 4


def test_a_datagram_socket_that_refused_is_replaced_and_one_that_did_not_is_kept(groups: Groups) -> None:
    """The kernel takes a socket that is connected out of its group, for good."""
    group = opened(groups, udp_route())
    before = dict(group.sockets)
    refuse(group.sockets[0])
    for worker in (0, 1):
        group.renew_refusing(worker)
    assert group.sockets[0] is not before[0]
    assert group.sockets[1] is before[1]
    assert group.address[0] is Protocol.UDP
    for _ in range(64):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", group.address[1:])
    received = [0, 0]
    for worker in (0, 1):
        while True:
            try:
                group.sockets[worker].recvfrom(1)
            except BlockingIOError:
                break
            received[worker] += 1
    assert sum(received) == 64
    assert min(received) > 0


def shared(group: Group, number: int = 0, *, lock: bool = True) -> list[SharedListener]:
    """As it comes from another process: duplicates."""
    _, host, port = group.address
    members = [*group.sockets.items(), *([(None, group.lock)] if lock else [])]
    return [
        SharedListener(number, WEB.key, host, port, Socket(fileno=os.dup(sock.fileno())), worker)
        for worker, sock in members
    ]


@pytest.mark.parametrize("by_number", [False, True])
def test_an_inherited_group_is_used_as_it_is(groups: Groups, by_number: bool) -> None:
    """Port 0 means the number that the service port had."""
    old = opened(groups, WEB)
    _, _, port = old.address
    heirs = Groups(Descriptors(64), lambda route: (0,), shared=True)
    heirs.inherit(shared(old))
    heirs.open(WEB, port if by_number else 0)
    new = heirs.at(*old.address)
    assert inodes(new) == inodes(old)
    assert heirs._descriptors.used == 3
    groups.leave(old)
    groups.close_left([old])
    third = Groups(Descriptors(64), lambda route: (0,))
    with pytest.raises(OSError, match="Address already in use"):  # the lock has gone over too
        third.open(OTHER, port)
    heirs.close()
    assert heirs._descriptors.used == 0
    third.open(OTHER, port)
    third.close()


def inodes(group: Group) -> dict[int, int]:
    return {worker: os.fstat(sock.fileno()).st_ino for worker, sock in group.sockets.items()}


def test_inherited_groups_that_nobody_wants_are_closed(groups: Groups) -> None:
    heirs = Groups(Descriptors(64), lambda route: (0,), shared=True)
    heirs.inherit(shared(opened(groups, WEB)))
    heirs.close_inherited()
    assert heirs._descriptors.used == 0
    heirs.open(WEB, 0)
    heirs.close()


def test_a_group_without_its_lock_or_without_room_is_not_inherited(groups: Groups) -> None:
    old = opened(groups, WEB)
    _, _, port = old.address
    for capacity, lock in ((64, False), (2, True)):
        heirs = Groups(Descriptors(64), lambda route: (0,), shared=True)
        heirs._descriptors.capacity = capacity
        heirs.inherit(shared(old, lock=lock))
        with pytest.raises(OSError, match=r"in use|no descriptors"):
            heirs.open(WEB, port)
        heirs.close()


@pytest.mark.parametrize("wanted", [WEB, udp_route()], ids=["TCP", "UDP"])
def test_what_another_process_serves_by_is_not_made_to_refuse(groups: Groups, wanted: Route) -> None:
    """Also when a worker here is dead for good."""
    group = opened(groups, wanted)
    if wanted is WEB:
        group.sockets[0].listen()
    groups.shared = True
    groups.refuse(0)
    if wanted is WEB:
        assert group.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    else:
        assert not is_refusing(group.sockets[0])
