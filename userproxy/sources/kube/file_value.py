"""Values made from files, made again when the files change."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from userproxy.errors import CredentialsError
from userproxy.log import log_event

__all__ = ["FileValue", "read_bytes", "read_text"]

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

_Stamp = tuple[int, int, int] | None


class FileValue(Generic[T]):
    """What ``make`` makes of ``paths``, kept until modification time, size or inode of one changes.

    `get` costs a ``stat`` for each path, and reads on the caller's thread: these files are small and local. A
    file that cannot be used after a good one was (somebody is
    writing it, or wrote nonsense) leaves the last value in use and is told in the log, once; it is tried
    again at each `get`. What is no regular file (a pipe of the shell's) is read once and never again.
    """

    def __init__(self, paths: tuple[Path, ...], make: Callable[[], T]) -> None:
        self._paths = paths
        self._make = make
        self._stamps: tuple[_Stamp, ...] | None = None
        self._value: T | None = None
        self._told = ""

    def get(self, *, again: bool = False, keep: bool = True) -> T:
        """The value; made ``again`` although no file changed, and without ``keep`` never the last one.

        Raises CredentialsError, as ``make`` does, when it fails and there is no value to keep.
        """
        stamps = tuple(_stamp(path) for path in self._paths)
        value = self._value
        if value is not None and ((stamps == self._stamps and not again) or _READ_ONCE in stamps):
            return value
        try:
            made = self._make()
        except CredentialsError as error:
            if value is None or not keep:
                raise
            self._tell(str(error))
            return value
        # The stamps from before reading: a change that came meanwhile shows at the next call.
        self._stamps, self._value, self._told = stamps, made, ""
        return made

    def _tell(self, message: str) -> None:
        if message != self._told:
            self._told = message
            log_event(_LOGGER, logging.WARNING, "credentials_kept", message=message)


def read_text(path: Path, origin: str, limit_bytes: int = 1 << 20) -> str:
    """The text of a file that ``origin`` names in messages. Raises CredentialsError when it has none."""
    try:
        return read_bytes(path, origin, limit_bytes).decode()
    except UnicodeDecodeError:
        # Raised below and not from here: the error of the decoder holds what it was given.
        pass
    raise CredentialsError(f"{origin}: {path}: is not text in UTF-8")


def read_bytes(path: Path, origin: str, limit_bytes: int) -> bytes:
    """The contents of a file. Raises CredentialsError when it cannot be read or is longer than the limit."""
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise CredentialsError(f"{origin}: {path}: {error.strerror or error}") from error
    if len(data) > limit_bytes:
        raise CredentialsError(f"{origin}: {path}: is longer than {limit_bytes} bytes")
    return data


_READ_ONCE: _Stamp = (-1, -1, -1)


def _stamp(path: Path) -> _Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return _READ_ONCE
    return status.st_mtime_ns, status.st_size, status.st_ino
