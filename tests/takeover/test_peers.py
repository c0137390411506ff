"""Who is no peer: other programs, other versions, other users. One line, and whoever serves goes on."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command_line.process import running, userproxy
from tests.command_line.test_run import manifest
from tests.takeover.processes import Successor, holding, serving
from userproxy.errors import TakeoverError
from userproxy.succession import protocol
from userproxy.succession.channel import KIND, Channel
from userproxy.takeover import predecessor as predecessor_module
from userproxy.takeover.predecessor import Predecessor
from userproxy.testing.objects import service

OTHER = b'{"ask": "hello", "userproxy": "9.9", "protocol": 99, "pid": 4711}'
STRANGERS = [
    pytest.param(OTHER, "userproxy 9.9 (process 4711) speaks takeover protocol 99", id="another version"),
    pytest.param(b"220 ready", "is no JSON", id="another protocol"),
    pytest.param(b'{"jsonrpc": "2.0"}', "is served by another program", id="another JSON protocol"),
    pytest.param(None, "the other process is gone", id="one that hangs up"),
]


@pytest.mark.parametrize(("says", "error"), STRANGERS)
async def test_what_the_new_process_makes_of_a_stranger(says: bytes | None, error: str) -> None:
    ours, other = socket.socketpair(socket.AF_UNIX, KIND)
    with other:
        predecessor = Predecessor(ours, "the-socket")
        greeting = asyncio.create_task(predecessor.greet(""))
        while not _read(other):
            await asyncio.sleep(0)
        if says is None:
            other.close()
        else:
            other.send(says)
        with pytest.raises(TakeoverError, match=r"^--takeover the-socket: ") as raised:
            await greeting
        assert error in str(raised.value)
        predecessor.close()


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except BlockingIOError:
        return b""


async def test_one_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predecessor_module, "ANSWER_LIMIT_S", 0.01)
    ours, other = socket.socketpair(socket.AF_UNIX, KIND)
    with other:
        predecessor = Predecessor(ours, "the-socket")
        with pytest.raises(TakeoverError, match="said nothing"):
            await predecessor.greet("")
        predecessor.close()


async def test_a_successor_of_another_version_learns_which_one_serves(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", holding(service("web", 80))) as old:
        new = Successor(old.channel())
        answer = await new.greet(protocol=protocol.PROTOCOL + 1)
        assert answer.fields["protocol"] == protocol.PROTOCOL
        with pytest.raises(TakeoverError, match="is gone"):
            await new.receive()
        new.close()
        assert await _still_serves(old.channel())


async def test_a_successor_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path / "s", holding(service("web", 80))) as old:
        new = Successor(old.channel())
        usual = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: usual + 1)
        answer = await new.greet()
        assert answer.fields["error"] == f"user {usual} may not take over from user {usual + 1}"
        monkeypatch.undo()
        new.close()
        assert await _still_serves(old.channel())


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"{}", b"[]", OTHER, b"\0"])
async def test_whoever_connects_and_is_no_userproxy(tmp_path: Path, data: bytes) -> None:
    async with serving(tmp_path / "s", holding(service("web", 80))) as old:
        with old.connect() as stranger:
            stranger.send(data)
            while old.server.sessions:
                await asyncio.sleep(0)
            assert await _still_serves(old.channel())


async def _still_serves(channel: Channel) -> bool:
    new = Successor(channel)
    answer = await new.greet()
    new.close()
    return not answer.fields["error"]


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """A program at a path that answers whoever connects with one message."""
    threads: list[threading.Thread] = []

    def serve(answer: bytes) -> Path:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def answer_once() -> None:
            with listener:
                connected, _ = listener.accept()
                with connected:
                    connected.recv(1 << 16)
                    connected.send(answer)
                    connected.recv(1)  # until it is gone

        threads.append(threading.Thread(target=answer_once))
        threads[-1].start()
        return tmp_path / "s"

    yield serve
    for thread in threads:
        thread.join()


def test_the_command_says_one_line_and_ends(stranger: Callable[[bytes], Path], tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(manifest(service("web", 80)))
    (tmp_path / "table.json").write_text("of the other process")
    done = userproxy(
        tmp_path, "run", "-f", tmp_path / "m.yaml", "--takeover", stranger(OTHER),
        "--table-file", tmp_path / "table.json",
    )  # fmt: skip
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"userproxy: --takeover {tmp_path / 's'}: userproxy 9.9 (process 4711) speaks")
    assert (tmp_path / "table.json").read_text() == "of the other process"


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        pytest.param("missing/s", 2, "there is no folder", id="no folder"),
        pytest.param("x" * 200, 2, "longer than 107 bytes", id="too long"),
        pytest.param("m.yaml", 2, "is there, and no socket", id="a file"),
        pytest.param("stream", 1, "is served by another program", id="another program"),
    ],
)
def test_bad_paths(tmp_path: Path, path: str, code: int, says: str) -> None:
    (tmp_path / "m.yaml").write_text(manifest(service("web", 80)))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "stream"))
        other.listen()
        before = sorted(os.listdir(tmp_path))
        done = userproxy(tmp_path, "run", "-f", tmp_path / "m.yaml", "--takeover", tmp_path / path)
    assert done.returncode == code
    [line] = done.stderr.splitlines()
    assert line.startswith("userproxy: --takeover ")
    assert says in line
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "m.yaml").read_text() == manifest(service("web", 80))


@pytest.mark.proxied
async def test_a_socket_that_a_killed_process_left_behind(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(manifest(service("web", 80)))
    for _ in range(2):
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--takeover", tmp_path / "s") as run:
            assert await run.line() == f"nobody to take over from at {tmp_path / 's'}"
            await run.rows(lambda rows: rows)
            run.process.kill()
            await run.process.wait()
        assert (tmp_path / "s").exists()
