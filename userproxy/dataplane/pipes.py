"""Pipes for ``splice(2)``: pooled, since making and sizing one costs more than a small copy."""

from __future__ import annotations

import fcntl
import os

from userproxy.dataplane.descriptors import Descriptors

__all__ = ["Pipe", "PipePool"]

SIZE_BYTES = 1 << 20
LEAST_BYTES = 64 * 1024
"""A smaller pipe costs more system calls than it saves: without privilege the kernel gives 8 KiB ones
once a user's pipes hold 64 MiB (pipe(7), pipe-user-pages-soft)."""


class Pipe:
    """One pipe and what is in it now. Belongs to one direction at a time."""

    __slots__ = ("filled", "reader", "small", "writer")

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.filled = 0
        """Bytes inside."""
        self.small = 0
        """Small reads in a row: a direction that turns chatty goes back to copying."""

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


class PipePool:
    """At most ``limit`` pipes of 1 MiB; a direction that gets none copies on."""

    __slots__ = ("_descriptors", "_free", "limit", "made")

    def __init__(self, limit: int, descriptors: Descriptors) -> None:
        self.limit = limit
        self.made = 0
        self._free: list[Pipe] = []
        self._descriptors = descriptors

    def acquire(self) -> Pipe | None:
        """An empty pipe, or None when there is none to be had now."""
        if self._free:
            return self._free.pop()
        if self.made >= self.limit or not self._descriptors.take(2):
            return None
        pipe = _make()
        if pipe is None:
            self._descriptors.give(2)
            return None
        self.made += 1
        return pipe

    def release(self, pipe: Pipe) -> None:
        """Take back; a pipe that still holds bytes is closed, so that they reach nobody else."""
        if pipe.filled:
            pipe.close()
            self.made -= 1
            self._descriptors.give(2)
        else:
            pipe.small = 0
            self._free.append(pipe)

    def close(self) -> None:
        """Close the free ones; those in use come back first, when their connections end."""
        for pipe in self._free:
            pipe.close()
            self.made -= 1
            self._descriptors.give(2)
        self._free.clear()


def _make() -> Pipe | None:
    try:
        pipe = Pipe()
    except OSError:  # EMFILE, ENFILE: copying goes on
        return None
    try:
        size = fcntl.fcntl(pipe.writer, fcntl.F_SETPIPE_SZ, SIZE_BYTES)
    except OSError:  # EPERM, EBUSY: over the user's quota
        size = fcntl.fcntl(pipe.writer, fcntl.F_GETPIPE_SZ)
    if size < LEAST_BYTES:
        pipe.close()
        return None
    return pipe
