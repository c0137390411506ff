"""The folder where running proxies are found: whose it must be, what is removed, who is told of."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from userproxy.admin.folder import SocketFolder, folder_path
from userproxy.errors import AdminError


def left_behind(folder: Path, pid: int) -> Path:
    """The socket of a process that was killed."""
    path = folder / f"{pid}.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        descriptor = os.open(folder, os.O_DIRECTORY)
        sock.bind(f"/proc/self/fd/{descriptor}/{path.name}")
        os.close(descriptor)
    return path


def test_it_is_in_the_runtime_folder_of_this_user(tmp_path: Path) -> None:
    assert folder_path({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / "userproxy"


@pytest.mark.parametrize("runtime", ["", "relative", "/nowhere/at/all", "/proc/version", "nul\0byte"])
def test_without_one_it_is_named_after_the_user(runtime: str) -> None:
    assert folder_path({"XDG_RUNTIME_DIR": runtime}) == Path(f"/tmp/userproxy-{os.geteuid()}")
    assert folder_path({}) == Path(f"/tmp/userproxy-{os.geteuid()}")


def test_a_runtime_folder_of_another_user_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert folder_path({"XDG_RUNTIME_DIR": str(tmp_path)}) == Path(f"/tmp/userproxy-{other}")


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with SocketFolder(tmp_path / "userproxy", create=True):
        assert (tmp_path / "userproxy").stat().st_mode & 0o777 == 0o700


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(0o700)
    (tmp_path / "userproxy").symlink_to("theirs")
    with pytest.raises(AdminError, match="userproxy: is a link"):
        SocketFolder(tmp_path / "userproxy", create=True)


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "userproxy").touch()
    with pytest.raises(AdminError, match="userproxy: Not a directory"):
        SocketFolder(tmp_path / "userproxy", create=True)


def test_the_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(AdminError, match=f"belongs to user {owner}, and this is {owner + 1}"):
        SocketFolder(tmp_path)


def test_the_closed_folder_of_another_user_is_told_by_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(os, "open", closed)
    with pytest.raises(AdminError, match=f"belongs to user {owner}, .*; remove it, or set XDG_RUNTIME_DIR"):
        SocketFolder(tmp_path)


def test_a_folder_that_others_may_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "userproxy").mkdir()
    (tmp_path / "userproxy").chmod(0o750)
    with pytest.raises(AdminError, match="is open to others; chmod 700 "):
        SocketFolder(tmp_path / "userproxy", create=True)


def test_a_missing_one_is_not_made_by_whoever_only_looks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SocketFolder(tmp_path / "userproxy")
    with pytest.raises(AdminError, match="there is no folder"):
        SocketFolder(tmp_path / "missing" / "userproxy", create=True)


def test_this_process_is_found_until_it_withdraws(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 200)  # longer than the address of a Unix socket can be
    with SocketFolder(deep, create=True) as folder:
        with folder.listen():
            assert folder.processes() == (os.getpid(),)
            folder.connect(os.getpid(), 1.0).close()
            with pytest.raises(AdminError, match="another process answers there"):
                folder.listen()
        folder.withdraw()
        assert folder.processes() == ()
        with pytest.raises(AdminError, match=f"no userproxy runs as process {os.getpid()}"):
            folder.connect(os.getpid(), 1.0)
    assert list(deep.iterdir()) == []


def test_sockets_of_the_dead_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    dead = left_behind(tmp_path, 4242)
    left_behind(tmp_path, os.getpid())
    with SocketFolder(tmp_path) as folder, folder.listen():
        assert folder.processes() == (os.getpid(),)
        assert not dead.exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_process_that_is_too_busy_to_answer_is_one(tmp_path: Path) -> None:
    with SocketFolder(tmp_path) as folder, folder.listen() as listener:
        listener.listen(0)
        with folder.connect(os.getpid(), 1.0):
            assert folder.processes() == (os.getpid(),)
            with pytest.raises(AdminError, match=f"process {os.getpid()}: "):
                folder.connect(os.getpid(), 0.01)
            assert folder.processes() == (os.getpid(),)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_socket_of_another_user_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "77.sock").unlink(missing_ok=True)
    script = (
        "import os, socket, sys\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        "os.chdir(sys.argv[1])\n"
        "os.seteuid(12345)\n"
        "os.seteuid(0)\n"
        "listener.bind('77.sock')\n"
        "os.seteuid(12345)\n"
        "listener.listen()\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with SocketFolder(tmp_path) as folder, pytest.raises(AdminError, match="is served by user 12345"):
            folder.connect(77, 1.0)
        process.communicate()
