"""UDP flows: what became of each datagram, with a server and a clock of the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from userproxy.load.connections import connections_of
from userproxy.load.dispatcher import Dispatcher
from userproxy.load.farewells import Farewells
from userproxy.load.plan import Naming, Plan
from userproxy.load.reactor import Reactor
from userproxy.load.tally import Tally
from userproxy.load.targets import parse_target
from userproxy.load.tcp_exchange import Wiring
from userproxy.load.udp_flow import UdpFlow

MS = 1_000_000
S = 1_000 * MS


class Scene:
    """One flow with four places, sending when the test says so, to a socket of the test."""

    def __init__(self, naming: Naming = Naming.NONE) -> None:
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.server.settimeout(30)
        host, port = self.server.getsockname()
        self.now = 0
        plan = Plan(parse_target(f"udp://{host}:{port}"), 1, 1.0, in_flight=4, size_bytes=32, naming=naming)
        self.reactor = Reactor()
        self.tally = Tally()
        self.tally.begin(0, 0)
        dispatcher = Dispatcher(self.tally, iter(range(10)), timeout_ns=S)
        self.wiring = Wiring(
            plan,
            socket.AF_INET,
            (host, port),
            self.reactor,
            self.tally,
            dispatcher,
            Farewells(self.reactor),
            lambda: self.now,
        )
        [flow] = connections_of(self.wiring)
        assert isinstance(flow, UdpFlow)
        self.flow = flow
        problems: list[str] = []
        flow.open(problems.append)
        assert problems == [""]
        self.client: tuple[str, int] = ("", 0)

    def send(self, place: int) -> bytes:
        """One datagram from one of the places, as the server got it."""
        self.flow.slots[place].start(self.now, self.now)
        data, self.client = self.server.recvfrom(65536)
        return data

    def answer(self, *datagrams: bytes) -> None:
        for data in datagrams:
            self.server.sendto(data, self.client)
        self.reactor.turn(S)

    def close(self) -> None:
        self.flow.close()
        self.reactor.close()
        self.server.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def test_an_echo_is_an_answer(scene: Scene) -> None:
    data = scene.send(0)
    scene.now = 3 * MS
    scene.answer(data)
    window = scene.tally.window
    assert (window.answered, window.bytes_received, window.failed) == (1, 32, 0)
    assert window.service.percentile(50) == pytest.approx(3 * MS, rel=0.001)


def test_datagrams_differ(scene: Scene) -> None:
    assert len({scene.send(place) for place in range(4)}) == 4


def test_a_second_echo_is_a_duplicate(scene: Scene) -> None:
    data = scene.send(0)
    scene.answer(data, data, data)
    assert (scene.tally.window.answered, scene.tally.window.duplicates) == (1, 2)


def test_a_lower_number_after_a_higher_one_is_reordered(scene: Scene) -> None:
    first, second, third = (scene.send(place) for place in range(3))
    scene.answer(first, third, second)
    assert (scene.tally.window.answered, scene.tally.window.reordered) == (3, 1)


def test_what_is_not_answered_in_time_is_lost_and_may_come_too_late(scene: Scene) -> None:
    data = scene.send(0)
    scene.now = S
    scene.flow.expire(scene.now, S)
    assert scene.tally.window.errors == {}
    scene.now = S + 1
    scene.flow.expire(scene.now, S)
    assert scene.tally.window.errors == {"lost": 1}
    scene.answer(data, data)
    window = scene.tally.window
    assert (window.answered, window.answered_too_late, window.duplicates) == (0, 1, 1)


@pytest.mark.parametrize("position", [0, 8, 12, 16, 31])
def test_a_changed_byte_is_corrupt(scene: Scene, position: int) -> None:
    data = bytearray(scene.send(0))
    data[position] ^= 0x80
    scene.answer(bytes(data))
    assert (scene.tally.window.answered, scene.tally.window.corrupt) == (0, 1)


@pytest.mark.parametrize("cut", [slice(0, 31), slice(0, 0), slice(1, 32)])
def test_a_cut_datagram_is_corrupt(scene: Scene, cut: slice) -> None:
    scene.answer(scene.send(0)[cut])
    assert scene.tally.window.corrupt == 1


def test_a_longer_datagram_is_corrupt(scene: Scene) -> None:
    scene.answer(b"one:" + scene.send(0))
    assert scene.tally.window.corrupt == 1


def test_a_refused_datagram_is_an_error_at_once(scene: Scene) -> None:
    scene.send(0)
    scene.server.close()
    scene.flow.slots[1].start(0, 0)  # this one meets nobody, and the kernel says so
    scene.reactor.turn(S)
    assert scene.tally.window.errors == {"connection refused": 1}


def test_the_name_before_the_echo_says_who_answered() -> None:
    scene = Scene(Naming.PREFIX)
    try:
        first, second, third = (scene.send(place) for place in range(3))
        scene.answer(b"one:" + first, b"two:" + second, third)
        window = scene.tally.window
        assert (window.answered, window.names, window.corrupt) == (2, {"one": 1, "two": 1}, 1)
    finally:
        scene.close()
