"""The proxy's log, followed while load runs: a file that grows, or standard input."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import Protocol

from userproxy.errors import ConfigError
from userproxy.load.marks import MAX_MARKS, Mark, parse_mark

__all__ = ["STANDARD_INPUT", "EventLog", "LogFile", "NoLog", "StandardInput"]

STANDARD_INPUT = "-"
READ_BYTES = 1 << 16
READS_AT_ONCE = 16
"""A log that grows faster is read later: load comes first."""
MAX_LINE_BYTES = 1 << 20


class EventLog(Protocol):
    marks: list[Mark]

    def poll(self) -> None:
        """Take what has come; never waits."""
        ...

    def close(self) -> None: ...


class NoLog:
    """Nothing is followed."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []

    def poll(self) -> None:
        return

    def close(self) -> None:
        return


class _Lines:
    """Marks out of pieces of text."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self._waiting = b""

    def _take(self, data: bytes) -> None:
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        if len(self._waiting) > MAX_LINE_BYTES:  # no log of ours
            self._waiting = b""
        for line in lines:
            mark = parse_mark(line.decode("utf-8", "replace"))
            if mark is not None and len(self.marks) < MAX_MARKS:
                self.marks.append(mark)


class LogFile(_Lines):
    """From what is at its end now; from its beginning when it is not there yet, or was cut or replaced.

    Raises ConfigError when it can never be read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._descriptor = -1
        if path.is_dir() or not path.parent.is_dir():
            raise ConfigError(f"--events {path}: no file, and none can come to be there")
        try:
            self._open()
        except OSError as error:
            raise ConfigError(f"--events {path}: {error.strerror}") from error
        if self._descriptor >= 0:
            os.lseek(self._descriptor, 0, os.SEEK_END)

    def _open(self) -> None:
        try:
            # A pipe (mkfifo) shall not make anybody wait.
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return

    def poll(self) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                if self._descriptor < 0:
                    self._open()
                if self._descriptor < 0 or not self._read():
                    return
            except BlockingIOError:
                return
            except OSError:  # taken away while it is read: what was read stays
                return

    def _read(self) -> bool:
        """True when there may be more."""
        data = os.read(self._descriptor, READ_BYTES)
        if data:
            self._take(data)
            return True
        return self._reopened()

    def _reopened(self) -> bool:
        """At the end: whether the file was cut, or another one stands in its place."""
        here = os.fstat(self._descriptor)
        if here.st_size < _position(self._descriptor):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            return True
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
            return False
        self.close()
        return True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class StandardInput(_Lines):
    """What another program pipes in. The description is shared with it, so it is not made non-blocking."""

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = sys.stdin.fileno()
        self._over = False

    def poll(self) -> None:
        for _ in range(READS_AT_ONCE):
            if self._over or not select.select((self._descriptor,), (), (), 0)[0]:
                return
            data = os.read(self._descriptor, READ_BYTES)
            self._over = not data
            self._take(data)

    def close(self) -> None:
        return


def _position(descriptor: int) -> int:
    try:
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:  # a pipe has none
        return 0
