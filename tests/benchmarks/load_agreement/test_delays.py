"""The server with known delays."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from benchmarks.load_agreement.delays import (
    ANSWER,
    SO_TIMESTAMPNS,
    DelayServer,
    cycle_of,
    percentile,
    waited_s,
)

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(("parts", "delays"), [(["5x2", "50x1"], [5, 5, 50]), (["0.5x1"], [0.5]), ([], [])])
def test_a_cycle(parts: list[str], delays: list[float]) -> None:
    assert cycle_of(parts) == delays


@pytest.mark.parametrize("part", ["5", "x", "5xa", "ax1"])
def test_no_cycle(part: str) -> None:
    with pytest.raises(ValueError, match=r"could not convert|invalid literal"):
        cycle_of([part])


def test_percentiles() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [50, 99, 100]


@contextlib.contextmanager
def loaded(
    delays_ms: list[float], take: Callable[[Iterator[str]], None]
) -> Iterator[tuple[socket.socket, Callable[[], None]]]:
    """A client of a server with these delays, and what asks for a report; ``take`` gets the reports in a
    thread of its own. One more report is asked for at the end, and all have been taken afterwards."""
    listening, telling = os.pipe()
    server = DelayServer(delays_ms)
    thread = threading.Thread(target=lambda: take(server.run(listening)))
    thread.start()
    host, _, port = server.address.rpartition(":")

    def ask() -> None:
        os.write(telling, b"report\n")

    with socket.create_connection((host, int(port)), timeout=30) as client:
        yield client, ask
    ask()
    os.close(telling)
    thread.join(30)
    os.close(listening)
    server.close()


def answered(client: socket.socket) -> None:
    client.sendall(REQUEST)
    assert client.recv(4096) == ANSWER


def test_it_answers_and_says_how_long_that_took() -> None:
    reports: list[str] = []
    with loaded([1, 1, 30], reports.extend) as (client, _):
        for _ in range(3):
            answered(client)
    [report] = map(json.loads, reports)
    assert report["answered"] == 3
    assert report["p50_ms"] >= 1
    assert report["p99_ms"] >= 30


@pytest.fixture
def stamps() -> Iterator[None]:
    """The kernel stamps what it receives; it begins a little after the first socket has asked for it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=30) as sender,
    ):
        receiver, _ = listener.accept()
        with receiver:
            receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            waited = 0.0
            while waited < 0.001:
                sender.sendall(b"?")
                time.sleep(0.001)
                waited = waited_s(receiver.recvmsg(1, 64)[1])
            yield


@pytest.mark.usefixtures("stamps")
def test_a_server_that_had_to_wait_says_so() -> None:
    """Who takes its reports holds it up meanwhile."""
    reports: list[str] = []
    held, let_go = threading.Event(), threading.Event()

    def take(said: Iterator[str]) -> None:
        for report in said:
            reports.append(report)
            held.set()
            let_go.wait(30)

    with loaded([0], take) as (client, ask):
        answered(client)
        ask()
        assert held.wait(30)
        client.sendall(REQUEST)
        time.sleep(0.05)
        let_go.set()
        assert client.recv(4096) == ANSWER
    assert json.loads(reports[1])["p50_ms"] >= 50
