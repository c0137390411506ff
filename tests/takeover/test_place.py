"""The path of the takeover socket: who is found there, who may connect, and what it must not be."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path

import pytest

from userproxy.errors import ConfigError, TakeoverError
from userproxy.succession.channel import KIND
from userproxy.takeover.place import MAX_PATH_BYTES, TakeoverPath


def listening(path: Path, kind: int = KIND) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(str(path))
    sock.listen()
    return sock


def test_nobody_is_there_then_we_are(tmp_path: Path) -> None:
    first, second = TakeoverPath(tmp_path / "s"), TakeoverPath(tmp_path / "s")
    assert first.claim() is None
    status = (tmp_path / "s").stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    found = second.claim()
    assert found is not None
    found.close()
    first.withdraw()
    assert os.listdir(tmp_path) == []


def test_no_moment_at_which_others_may_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []

    class Watched(socket.socket):
        def bind(self, address: str) -> None:  # type: ignore[override]  # of a Unix socket
            super().bind(address)
            modes.append(stat.S_IMODE(os.stat(address).st_mode))

    monkeypatch.setattr(socket, "socket", Watched)
    usual = os.umask(0)
    try:
        place = TakeoverPath(tmp_path / "s")
        place.publish()
        assert os.umask(0) == 0  # as it was
    finally:
        os.umask(usual)
    place.withdraw()
    assert modes == [0o600]


def test_a_socket_of_the_dead_is_replaced(tmp_path: Path) -> None:
    listening(tmp_path / "s").close()
    place = TakeoverPath(tmp_path / "s")
    assert place.claim() is None
    found = TakeoverPath(tmp_path / "s").claim()
    assert found is not None
    found.close()
    place.withdraw()


def test_what_a_process_of_our_number_left_half_made_is_replaced(tmp_path: Path) -> None:
    """It was killed before its socket had its name; in a container numbers come again."""
    listening(tmp_path / f".s.{os.getpid()}").close()
    place = TakeoverPath(tmp_path / "s")
    place.publish()
    assert os.listdir(tmp_path) == ["s"]
    place.withdraw()


def test_a_successor_s_socket_stays(tmp_path: Path) -> None:
    old, new = TakeoverPath(tmp_path / "s"), TakeoverPath(tmp_path / "s")
    old.publish()
    new.publish()
    old.withdraw()
    found = TakeoverPath(tmp_path / "s").claim()
    assert found is not None
    found.close()
    new.withdraw()
    assert os.listdir(tmp_path) == []


def test_as_long_as_a_path_may_be(tmp_path: Path) -> None:
    name = "x" * (MAX_PATH_BYTES - len(os.fsencode(tmp_path)) - 1)
    place = TakeoverPath(tmp_path / name)
    assert place.claim() is None
    found = TakeoverPath(tmp_path / name).claim()
    assert found is not None
    found.close()
    place.withdraw()


def _file(folder: Path) -> Path:
    (folder / "file").write_text("precious")
    return folder / "file"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param(lambda folder: folder / "missing" / "s", "there is no folder", id="no folder"),
        pytest.param(lambda folder: folder / ("x" * 200), "longer than 107 bytes", id="too long"),
        pytest.param(_file, "is there, and no socket", id="a file"),
        pytest.param(lambda folder: folder, "is there, and no socket", id="a folder"),
    ],
)
def test_paths_that_cannot_be_used(tmp_path: Path, path: object, says: str) -> None:
    assert callable(path)
    with pytest.raises(ConfigError, match=says):
        TakeoverPath(path(tmp_path))


def test_a_folder_where_nothing_may_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may do everything
    with pytest.raises(ConfigError, match="no permission to write"):
        TakeoverPath(tmp_path / "s")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_the_socket_of_another_program(tmp_path: Path, kind: int) -> None:
    with socket.socket(socket.AF_UNIX, kind) as sock:
        sock.bind(str(tmp_path / "s"))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        before = (tmp_path / "s").stat().st_ino
        with pytest.raises(TakeoverError, match="is served by another program"):
            TakeoverPath(tmp_path / "s").claim()
        assert (tmp_path / "s").stat().st_ino == before


def test_the_socket_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(tmp_path / "s"):
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        with pytest.raises(TakeoverError, match=r"is served by user \d+, and this is 4711"):
            TakeoverPath(tmp_path / "s").claim()


def test_of_two_that_start_at_once_one_is_the_first(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(TakeoverError, match="another process is starting there"):
            TakeoverPath(tmp_path / "s").claim()
    finally:
        os.close(folder)
    assert os.listdir(tmp_path) == []
