"""A hosts file that has a block of ours while we run; everything else in it stays as it is."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shlex
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from userproxy.discovery.hosts_block import BrokenBlock, names_in, with_block, without_blocks
from userproxy.discovery.run_mark import RunMark
from userproxy.errors import UserproxyError
from userproxy.replaced_file import replaced_file

__all__ = ["HostsFile", "HostsFileError", "write_in_place"]

BACKUP_SUFFIX = ".before-userproxy"
LONGEST_BYTES = 16 << 20
LOCK_TIMEOUT_S = 5.0
_LOCK_RETRY_S = 0.02
_IN_PLACE = frozenset({errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOTSUP})
"""Why a file cannot be replaced although it may be written: it is mounted (as in containers), its owner or
its attributes cannot be given to another, or its folder is not ours."""


class HostsFileError(UserproxyError):
    """The file is as it was. The message says what to do."""


class HostsFile:
    """Owns the block of this run in ``path``. Its methods read and write, so they belong in a thread.

    Several runs may have a block in one file: each changes the file under a lock (flock(2) on the file
    itself), and blocks of runs that are gone go at the next change of any.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = RunMark.own()
        self._seen: tuple[int, ...] = ()
        self.backup_problem = ""
        """Why there is no backup; "" while there is one, or nothing was changed."""

    def changed_by_others(self) -> bool:
        """Whether it is not as `keep` left it."""
        try:
            return _signature(os.lstat(self._path)) != self._seen
        except OSError:
            return True

    def keep(self, lines: Callable[[frozenset[str]], Sequence[str]]) -> None:
        """Let the block be these lines; ``lines`` gets the names that the rest of the file has.

        Raises HostsFileError.
        """

        def changed(content: bytes) -> bytes:
            rest = without_blocks(content, self._goes)
            return with_block(rest, self._mark, lines(names_in(rest)))

        self._change(changed)

    def remove(self) -> None:
        """Take the block away, and those of runs that are gone. Raises HostsFileError."""
        self._change(lambda content: without_blocks(content, self._goes))

    def _goes(self, mark: RunMark) -> bool:
        return mark == self._mark or not mark.alive()

    def _change(self, change: Callable[[bytes], bytes]) -> None:
        try:
            with _locked(self._path) as descriptor:
                before = _signature(os.fstat(descriptor))
                content = _read(descriptor)
                if b"\0" in content:
                    raise HostsFileError(f"{self._path}: is no text; name another file")
                new = change(content)
                if new != content:
                    _check_writable(self._path)
                    self._back_up(descriptor, content)
                    if _signature(os.lstat(self._path)) != before:
                        raise HostsFileError(f"{self._path}: is being edited; it is tried again")
                    _write(self._path, descriptor, content, new)
                self._seen = _signature(os.lstat(self._path))
        except BrokenBlock as error:
            raise HostsFileError(f"{self._path}: {error}: delete what is left of it") from error
        except OSError as error:
            raise HostsFileError(_what_to_do(self._path, error)) from error

    def _back_up(self, descriptor: int, content: bytes) -> None:
        """Once: a file of this name from an earlier run stays."""
        backup = self._path.with_name(self._path.name + BACKUP_SUFFIX)
        if os.path.lexists(backup):
            return
        try:
            _replace(backup, descriptor, without_blocks(content, lambda _: True))
        except OSError as error:
            self.backup_problem = f"{backup}: no backup: {error.strerror}"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open to be read and locked: it is the one at ``path`` now, and no other run changes it.

    Raises OSError, HostsFileError for what is no plain file.
    """
    ends = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                what = "a folder" if stat.S_ISDIR(found.st_mode) else "no plain file"
                raise HostsFileError(f"{path}: is {what}; name a hosts file")
            if _lock(descriptor) and os.path.samestat(found, os.lstat(path)):
                yield descriptor
                return
        finally:
            os.close(descriptor)
        if time.monotonic() > ends:
            raise HostsFileError(f"{path}: another process keeps it locked (flock); it is tried again")
        time.sleep(_LOCK_RETRY_S)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> bytes:
    if os.fstat(descriptor).st_size > LONGEST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    content = bytearray()
    while part := os.pread(descriptor, 1 << 16, len(content)):
        content += part
    return bytes(content)


def _check_writable(path: Path) -> None:
    """Replacing it would ask for the folder's permission alone."""
    if not os.access(path, os.W_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _write(path: Path, descriptor: int, old: bytes, new: bytes) -> None:
    """At once if that can be: else in place, from the first byte that differs on."""
    if os.fstat(descriptor).st_nlink == 1:  # another name of the file would keep the old content
        try:
            _replace(path, descriptor, new)
        except OSError as error:
            if error.errno not in _IN_PLACE:
                raise
        else:
            return
    writable = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        write_in_place(writable, new, keep=_same(old, new))
    finally:
        os.close(writable)


def write_in_place(descriptor: int, content: bytes, *, keep: int = 0) -> None:
    """``content`` is all of an open file from now on; its first ``keep`` bytes are there already."""
    rest = memoryview(content)[keep:]
    while rest:
        rest = rest[os.pwrite(descriptor, rest, len(content) - len(rest)) :]
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)


def _same(old: bytes, new: bytes) -> int:
    """How many bytes both begin with, found in steps."""
    step = 4096
    start = 0
    while start < len(new) and old[start : start + step] == new[start : start + step]:
        start += step
    start = min(start, len(new), len(old))
    while start < min(len(new), len(old)) and old[start] == new[start]:
        start += 1
    return start


def _replace(path: Path, like: int, content: bytes) -> None:
    """Put a file with ``content`` at ``path`` in one step, with mode, owner and attributes of ``like``."""
    with replaced_file(path) as file:
        file.write(content)
        file.flush()
        _take_after(file.fileno(), like)
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take_after(descriptor: int, like: int) -> None:
    model, own = os.fstat(like), os.fstat(descriptor)
    if (model.st_uid, model.st_gid) != (own.st_uid, own.st_gid):
        os.fchown(descriptor, model.st_uid, model.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(model.st_mode))
    with contextlib.suppress(OSError):  # a file system without attributes has none to keep
        names = os.listxattr(like)
    for name in names:
        os.setxattr(descriptor, name, os.getxattr(like, name))


def _signature(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _what_to_do(path: Path, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return (
            f"{path}: is a link, and links are not followed; name the file itself: {os.path.realpath(path)}"
        )
    if error.errno == errno.ENOENT:
        return f"{path}: there is no such file; make an empty one, or name another"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path}: may not be written; to allow it: {_allowing(path)}"
    return f"{path}: {error.strerror}"


def _allowing(path: Path) -> str:
    """What lets this user write the file, and nobody else."""
    shown = shlex.quote(os.path.abspath(path))
    if shutil.which("setfacl"):
        return f"sudo setfacl -m u:{os.geteuid()}:rw {shown}"
    return f"sudo chown {os.geteuid()} {shown}"
