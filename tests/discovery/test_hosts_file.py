"""A block in a real file: kept, taken away, refused where it must not be touched."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from userproxy.discovery import hosts_file
from userproxy.discovery.hosts_block import with_block
from userproxy.discovery.hosts_file import HostsFile, HostsFileError
from userproxy.discovery.run_mark import RunMark

BEFORE = b"127.0.0.1 localhost\n10.0.0.9\tmine"
WEB = ("127.1.0.1\tweb.shop",)
DEAD = RunMark.own()._replace(started=1)
OTHER = RunMark.own()._replace(pid=1, pid_namespace=1)
"""A run in another container: nothing is known of it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    file = folder / "hosts"
    file.write_bytes(BEFORE)
    return file


def keep(file: HostsFile, *lines: str) -> None:
    file.keep(lambda _: lines)


def test_the_block_is_kept_and_taken_away(path: Path) -> None:
    file = HostsFile(path)
    keep(file, *WEB)
    assert b"\n127.1.0.1\tweb.shop\n" in path.read_bytes()
    keep(file, "127.1.0.2\tdb.shop")
    assert b"web.shop" not in path.read_bytes()
    assert path.read_bytes().count(b"BEGIN userproxy") == 1
    file.remove()
    assert path.read_bytes() == BEFORE


def test_there_is_one_backup_from_before_the_first_change(path: Path) -> None:
    path.write_bytes(with_block(BEFORE, DEAD, WEB))
    file = HostsFile(path)
    keep(file, *WEB)
    backup = path.with_name("hosts.before-userproxy")
    assert backup.read_bytes() == BEFORE, "blocks are not worth keeping"
    path.write_bytes(b"new\n")
    keep(file, *WEB)
    assert backup.read_bytes() == BEFORE
    assert file.backup_problem == ""
    assert sorted(os.listdir(path.parent)) == ["hosts", "hosts.before-userproxy"], "no temporary file is left"


def test_mode_owner_and_attributes_stay(path: Path) -> None:
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    try:
        os.setxattr(path, "user.note", b"x")
    except OSError:
        attributes = False
    else:
        attributes = True
    before = path.stat()
    keep(HostsFile(path), *WEB)
    after = path.stat()
    assert after.st_ino != before.st_ino, "it was replaced at once"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert not attributes or os.getxattr(path, "user.note") == b"x"
    assert path.with_name("hosts.before-userproxy").stat().st_mode == before.st_mode


def test_blocks_of_runs_that_are_gone_go_and_others_stay(path: Path) -> None:
    path.write_bytes(with_block(with_block(BEFORE, DEAD, WEB), OTHER, WEB))
    file = HostsFile(path)
    keep(file, *WEB)
    content = path.read_bytes()
    assert str(DEAD).encode() not in content
    assert str(OTHER).encode() in content
    file.remove()
    assert path.read_bytes() == with_block(BEFORE, OTHER, WEB)


def test_names_that_the_rest_of_the_file_has_are_told(path: Path) -> None:
    path.write_bytes(with_block(BEFORE, OTHER, WEB))
    told: list[frozenset[str]] = []

    def lines(names: frozenset[str]) -> tuple[str, ...]:
        told.append(names)
        return WEB

    HostsFile(path).keep(lines)
    assert told == [{"localhost", "mine"}]


def test_a_change_by_others_is_noticed(path: Path) -> None:
    file = HostsFile(path)
    keep(file, *WEB)
    assert not file.changed_by_others()
    path.write_bytes(b"as new\n")
    assert file.changed_by_others()
    keep(file, *WEB)
    assert path.read_bytes().startswith(b"as new\n# BEGIN")
    assert not file.changed_by_others()
    path.unlink()
    assert file.changed_by_others()


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EPERM])
def test_where_it_cannot_be_replaced_it_is_written_in_place(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "rename", refused)
    before = path.stat()
    file = HostsFile(path)
    keep(file, *WEB)
    keep(file, *WEB, "127.1.0.2\tdb.shop")
    assert path.stat().st_ino == before.st_ino
    assert path.read_bytes().startswith(BEFORE + b"\n# BEGIN")
    assert os.listdir(path.parent) == ["hosts"]
    assert file.backup_problem.startswith(f"{path}.before-userproxy: no backup: ")
    file.remove()
    assert path.read_bytes() == BEFORE


def test_other_names_of_the_file_stay_names_of_it(path: Path) -> None:
    os.link(path, path.with_name("same"))
    keep(HostsFile(path), *WEB)
    assert path.with_name("same").read_bytes() == path.read_bytes()


def test_runs_wait_for_one_another(path: Path) -> None:
    """Twelve processes have a block each in the end, however they came."""
    program = (
        "import sys; from pathlib import Path; from userproxy.discovery.hosts_file import HostsFile\n"
        "file = HostsFile(Path(sys.argv[1]))\n"
        "for number in range(5): file.keep(lambda _: [f'127.1.0.{number}\\tx'])\n"
        "print(flush=True); sys.stdin.read(); file.remove()"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(12)
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == b"\n"
    content = path.read_bytes()
    assert content.startswith(BEFORE)
    assert content.count(b"BEGIN userproxy") == 12
    assert content.count(b"127.1.0.4") == 12
    for run in runs:
        run.communicate()
        assert run.returncode == 0
    assert path.read_bytes() == BEFORE


# What is refused; the file is as it was.


def refusal(path: Path) -> str:
    with pytest.raises(HostsFileError) as caught:
        keep(HostsFile(path), *WEB)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_link_is_not_followed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    assert refusal(link) == f"{link}: is a link, and links are not followed; name the file itself: {path}"
    assert link.is_symlink()
    assert path.read_bytes() == BEFORE


def test_a_folder_and_a_fifo_are_no_hosts_files(path: Path) -> None:
    assert refusal(path.parent) == f"{path.parent}: is a folder; name a hosts file"
    fifo = path.with_name("fifo")
    os.mkfifo(fifo)
    assert refusal(fifo) == f"{fifo}: is no plain file; name a hosts file"


def test_a_file_that_is_not_there(path: Path) -> None:
    path.unlink()
    assert refusal(path) == f"{path}: there is no such file; make an empty one, or name another"


def test_a_broken_block(path: Path) -> None:
    path.write_bytes(b"a\n# BEGIN userproxy 1-1-1-00000000\n")
    assert refusal(path) == (
        f"{path}: line 2 begins a block of userproxy that does not end: delete what is left of it"
    )
    assert os.listdir(path.parent) == ["hosts"]


def test_what_is_no_text_or_huge(path: Path) -> None:
    path.write_bytes("127.0.0.1 localhost\n".encode("utf-16"))
    assert refusal(path) == f"{path}: is no text; name another file"
    os.truncate(path, 17 << 20)
    assert refusal(path) == f"{path}: File too large"


@pytest.mark.parametrize(
    ("tool", "line"),
    [
        ("/usr/bin/setfacl", "sudo setfacl -m u:{uid}:rw {path}"),
        (None, "sudo chown {uid} {path}"),
    ],
)
def test_one_that_may_not_be_written_names_the_line_that_helps(
    path: Path, monkeypatch: pytest.MonkeyPatch, tool: str | None, line: str
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(shutil, "which", lambda _: tool)
    wanted = line.format(uid=os.geteuid(), path=path)
    assert refusal(path) == f"{path}: may not be written; to allow it: {wanted}"
    assert path.read_bytes() == BEFORE
    assert os.listdir(path.parent) == ["hosts"]


def test_one_that_another_process_keeps_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_file, "LOCK_TIMEOUT_S", 0.0)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another process keeps it locked" in refusal(path)
    keep(HostsFile(path), *WEB)
