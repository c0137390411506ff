"""What lies at the given paths now. Blocking: call it from a thread.

In: paths as a user gave them. Out: for each file and folder what one look shows, errors included as
values. Every descriptor is closed before a call returns.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Mapping

from userproxy.model.names import ObjectRef
from userproxy.sources.document import MAX_BYTES
from userproxy.sources.given import Given, file_ref, folder_ref, printable
from userproxy.sources.sights import Content, Folder, Missing, Sight, Survey, Unreadable

__all__ = ["SUFFIXES", "Disk", "content"]

SUFFIXES = (".yaml", ".yml", ".json")
"""Of files in a folder that are read; hidden ones, and folders in it, are not (as kubectl)."""
_TRUSTED_AGE_NS = 3 * 10**9
"""A file that had rested so long when it was read cannot change without its time stamps, however coarse."""


class Disk:
    """Looks at the given files and folders. Remembers what it needs to tell one absence from another."""

    def __init__(self, givens: Iterable[Given]) -> None:
        self._givens = tuple(given for given in givens if not given.once)
        self._members: dict[str, tuple[str, ...]] = {}
        """Names in each given path that was a folder at the last look."""

    def survey(self, resting: Mapping[ObjectRef, Sight]) -> Survey:
        """Look at everything. What is ``resting`` is not read again while its time stamps are the same."""
        sights: dict[ObjectRef, Sight] = {}
        seen_paths: set[str] = set()
        for given in self._givens:
            files = [(given.label, given.path)]
            folder = self._folder(given)
            if folder is not None:
                sights[folder_ref(given.label)] = folder
                files = [
                    (os.path.join(given.label, printable(name)), os.path.join(given.path, name))
                    for name in self._members[given.path]
                ]
            for label, path in files:
                # A folder and a file in it may both be given.
                if path not in seen_paths:
                    seen_paths.add(path)
                    sights[file_ref(label)] = _look(path, resting.get(file_ref(label)))
        return Survey(sights, frozenset(self._watchable()))

    def _folder(self, given: Given) -> Folder | None:
        """What the given path is as a folder, with its members noted; None when it is none."""
        try:
            with os.scandir(given.path) as entries:
                names = [entry.name for entry in entries if _is_read(entry.name) and not _is_folder(entry)]
        except NotADirectoryError:
            self._members.pop(given.path, None)
            return None
        except FileNotFoundError:
            if given.path not in self._members:
                return None
            self._members[given.path] = ()
            return Folder("is gone; it is waited for")
        except OSError as error:
            if given.path not in self._members and not os.path.isdir(given.path):
                return None
            # Its files may well be readable: they stay as they are.
            self._members.setdefault(given.path, ())
            return Folder(f"cannot be listed: {error.strerror}; what served before goes on", unreadable=True)
        self._members[given.path] = tuple(sorted(names))
        return (
            Folder()
            if names
            else Folder(f"holds no file that ends with {' or '.join(SUFFIXES)}; waits for one")
        )

    def _watchable(self) -> Iterable[tuple[str, int, int]]:
        for given in self._givens:
            for path in {
                given.path,
                os.path.dirname(given.path),
                os.path.dirname(os.path.realpath(given.path)),
            }:
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    yield path, status.st_dev, status.st_ino


def _is_read(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".")


def _look(path: str, resting: Sight | None) -> Sight:
    try:
        status = os.stat(path)
        if isinstance(resting, Content) and resting.trusted and resting.stamp == _stamp(status):
            return resting
        refusal = _refusal(status)
        return refusal if refusal is not None else _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return Missing()
    except OSError as error:
        return Unreadable(f"cannot be read: {error.strerror}")


def _read(path: str) -> Sight:
    # Not blocking, should a FIFO have taken the place of the file just now.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        refusal = _refusal(status)
        if refusal is not None:
            return refusal
        read_at_ns = time.time_ns()
        # A file may grow while it is read, for ever.
        parts, left = [], MAX_BYTES + 1
        while left and (part := file.read(left)):
            parts.append(part)
            left -= len(part)
        return content(b"".join(parts), status, read_at_ns)


def content(data: bytes, status: os.stat_result | None = None, read_at_ns: int = 0) -> Sight:
    """What was read, unless it is too much; without ``status``, from something that has no time stamps."""
    if len(data) > MAX_BYTES:
        return _TOO_LARGE
    newest_ns = max(status.st_mtime_ns, status.st_ctime_ns) if status else 0
    return Content(
        size_bytes=len(data),
        mtime_ns=status.st_mtime_ns if status else 0,
        digest=hashlib.sha256(data).digest(),
        blank=not data.strip(),
        stamp=_stamp(status) if status else (),
        trusted=read_at_ns - newest_ns > _TRUSTED_AGE_NS,
        data=data,
    )


_TOO_LARGE = Unreadable(f"is larger than {MAX_BYTES // 1024**2} MiB")


def _refusal(status: os.stat_result) -> Unreadable | None:
    if not stat.S_ISREG(status.st_mode):
        return Unreadable(f"is {_kind(status.st_mode)}, not a file")
    return _TOO_LARGE if status.st_size > MAX_BYTES else None


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: looking at it says so, for that entry alone
        return False
