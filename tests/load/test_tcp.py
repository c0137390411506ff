"""TCP connections of the load generator: what each end of a server does to them, and what is counted."""

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
from userproxy.load.tcp_exchange import TcpExchange, Wiring

MS = 1_000_000
S = 1_000 * MS
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\n"
RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER on, 0 s: a close sends RST."""


class Scene:
    """One connection, asking when the test says so, and the test's own listener."""

    def __init__(self, scheme: str, **plan: object) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        host, port = self.listener.getsockname()
        self.now = 0
        self.reactor = Reactor()
        self.farewells = Farewells(self.reactor)
        self.tally = Tally()
        self.tally.begin(0, 0)
        self.dispatcher = Dispatcher(self.tally, iter(range(1, 99)), timeout_ns=S)
        target = parse_target(f"{scheme}://{host}:{port}")
        wiring = Wiring(
            Plan(target, 1, 1.0, **plan),  # type: ignore[arg-type]  # each test gives what it is about
            socket.AF_INET,
            (host, port),
            self.reactor,
            self.tally,
            self.dispatcher,
            self.farewells,
            lambda: self.now,
        )
        [connection] = connections_of(wiring)
        assert isinstance(connection, TcpExchange)
        self.connection = connection
        self.accepted: list[socket.socket] = []

    def ask(self) -> None:
        self.connection.start(self.now, self.now)

    def accept(self) -> socket.socket:
        """The server's end of a connection that is being made."""
        server, _ = self.listener.accept()
        server.settimeout(30)
        self.accepted.append(server)
        self.reactor.turn(S)
        return server

    def asked(self) -> socket.socket:
        """A new connection on which a request has come."""
        self.ask()
        server = self.accept()
        assert server.recv(65536)
        return server

    @property
    def errors(self) -> dict[str, int]:
        return self.tally.window.errors

    def close(self) -> None:
        self.connection.close()
        self.farewells.close()
        self.reactor.close()
        self.listener.close()
        for server in self.accepted:
            server.close()


@pytest.fixture
def http() -> Iterator[Scene]:
    scene = Scene("http", naming=Naming.FIRST_LINE)
    yield scene
    scene.close()


@pytest.fixture
def echo() -> Iterator[Scene]:
    scene = Scene("tcp", size_bytes=100_000)
    yield scene
    scene.close()


def test_one_connection_serves_many_requests(http: Scene) -> None:
    server = http.asked()
    for number in range(1, 4):
        http.now += 5 * MS
        server.sendall(OK)
        http.reactor.turn(S)
        assert http.tally.window.answered == number
        http.ask()
        assert server.recv(65536).startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert http.tally.window.names == {"one": 3}
    assert http.tally.connect.count == 1


def test_service_time_begins_when_the_request_is_sent_and_latency_when_it_was_due(http: Scene) -> None:
    http.connection.start(0, 10 * MS)
    http.now = 12 * MS
    server = http.accept()
    http.now = 15 * MS
    server.sendall(OK)
    http.reactor.turn(S)
    window = http.tally.window
    assert window.latency.percentile(50) == pytest.approx(15 * MS, rel=0.001)
    assert window.service.percentile(50) == pytest.approx(3 * MS, rel=0.001)
    assert http.tally.connect.percentile(50) == pytest.approx(2 * MS, rel=0.001)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", "closed before the answer"),
        (OK[:-1], "closed inside the answer"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (b"220 mail\r\n", "not an HTTP/1 status line"),
        (OK + OK, "bytes behind the answer"),
    ],
)
def test_a_wrong_answer_is_an_error_by_kind(http: Scene, said: bytes, kind: str) -> None:
    server = http.asked()
    server.sendall(said)
    server.close()
    http.reactor.turn(S)
    http.reactor.turn(0)
    assert http.errors == {kind: 1}
    assert http.tally.window.answered == 0
    assert not http.connection.busy


def test_a_reset_is_an_error_by_kind(http: Scene) -> None:
    server = http.asked()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    server.close()
    http.reactor.turn(S)
    assert http.errors == {"connection reset by peer": 1}


def test_a_refused_connection_is_an_error_by_kind(http: Scene) -> None:
    http.listener.close()
    http.ask()
    http.reactor.turn(S)
    assert http.errors == {"connect: connection refused": 1}
    assert http.tally.connect.count == 0


def test_no_answer_in_time_is_an_error_and_ends_the_connection(http: Scene) -> None:
    server = http.asked()
    http.connection.expire(S, S)
    assert http.errors == {}
    http.connection.expire(S + 1, S)
    assert http.errors == {"timeout": 1}
    http.reactor.turn(0)
    assert server.recv(1) == b""


def test_a_connection_that_ended_between_requests_is_made_anew_without_an_error(http: Scene) -> None:
    server = http.asked()
    server.sendall(OK)
    http.reactor.turn(S)
    server.close()
    http.reactor.turn(S)
    http.asked().sendall(OK)
    http.reactor.turn(S)
    assert (http.tally.window.answered, http.errors) == (2, {})
    assert http.tally.connect.count == 2


def test_an_answer_that_the_server_ends_with_a_close_is_right(http: Scene) -> None:
    server = http.asked()
    server.sendall(b"HTTP/1.1 200 OK\r\n\r\nold\n")
    server.close()
    http.reactor.turn(S)
    http.reactor.turn(0)
    assert (http.tally.window.names, http.errors) == ({"old": 1}, {})


def test_a_word_that_nobody_asked_for_ends_the_connection_and_is_no_answer(http: Scene) -> None:
    server = http.asked()
    server.sendall(OK)
    http.reactor.turn(S)
    server.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    http.reactor.turn(S)
    assert (http.tally.window.answered, http.errors) == (1, {})
    assert server.recv(1) == b""


CLOSES = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_a_connection_that_the_server_ends_is_left_to_it(http: Scene) -> None:
    """Whoever closes first keeps the ports in TIME-WAIT: that shall not be the load generator."""
    server = http.asked()
    server.sendall(CLOSES)
    http.reactor.turn(S)
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.recv(1)
    second = http.asked()  # meanwhile the next request has a connection of its own
    server.setblocking(True)
    server.close()
    http.reactor.turn(S)
    http.farewells.expire(http.now + 10 * S)
    http.reactor.turn(0)
    second.sendall(CLOSES)
    http.reactor.turn(S)
    assert (http.tally.window.answered, http.errors, http.tally.connect.count) == (2, {}, 2)


def test_a_server_that_does_not_end_what_it_said_it_would_is_not_waited_for(http: Scene) -> None:
    server = http.asked()
    server.sendall(CLOSES)
    http.reactor.turn(S)
    http.farewells.expire(http.now + S)
    http.reactor.turn(0)
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.recv(1)
    http.farewells.expire(http.now + S + 1)
    http.reactor.turn(0)
    server.settimeout(30)
    assert server.recv(1) == b""


def receive(scene: Scene, server: socket.socket, size: int) -> bytes:
    """What the connection sends, served in turns as its peer reads."""
    data = b""
    while len(data) < size:
        data += server.recv(size - len(data))
        scene.reactor.turn(0)
    return data


def test_a_large_message_comes_back_byte_by_byte(echo: Scene) -> None:
    echo.ask()
    server = echo.accept()
    first = receive(echo, server, 100_000)
    for start in range(0, 100_000, 9999):
        server.sendall(first[start : start + 9999])
        echo.reactor.turn(S)
    while not echo.tally.window.answered:
        echo.reactor.turn(S)
    echo.ask()
    second = receive(echo, server, 100_000)
    assert first != second
    assert (echo.tally.window.bytes_received, echo.errors) == (100_000, {})


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda data: data[:99_999] + b"?", "wrong bytes"),
        (lambda data: b"?" + data[1:], "wrong bytes"),
        (lambda data: data[4096:] + data[:4096], "wrong bytes"),
        (lambda data: data + b"?", "bytes behind the answer"),
        (lambda data: data[:10], "closed inside the answer"),
        (lambda data: b"", "closed before the answer"),
    ],
)
def test_other_bytes_than_were_sent_are_an_error(echo: Scene, change: object, kind: str) -> None:
    assert callable(change)
    echo.ask()
    server = echo.accept()
    data = receive(echo, server, 100_000)
    server.sendall(change(data))
    server.shutdown(socket.SHUT_WR)
    while echo.connection.busy:
        echo.reactor.turn(S)
    assert echo.errors == {kind: 1}
    assert echo.tally.window.answered == 0


def test_a_server_that_speaks_first_says_who_it_is() -> None:
    scene = Scene("tcp", naming=Naming.FIRST_LINE, size_bytes=5)
    try:
        scene.ask()
        server = scene.accept()
        server.sendall(b"on")
        scene.reactor.turn(S)
        server.sendall(b"e\r\n")
        scene.reactor.turn(S)
        server.sendall(server.recv(5))
        scene.reactor.turn(S)
        assert (scene.tally.window.names, scene.errors) == ({"one": 1}, {})
    finally:
        scene.close()


def test_a_connection_that_is_opened_before_the_start_tells_how_it_went(http: Scene) -> None:
    problems: list[str] = []
    http.connection.open(problems.append)
    http.accept()
    assert problems == [""]
    http.connection.close()
    http.listener.close()
    http.connection.open(problems.append)
    http.reactor.turn(S)
    assert problems == ["", "connect: connection refused"]
    assert http.errors == {}
