"""Pipes are bounded in number, sized, and never handed on with bytes inside."""

from __future__ import annotations

import fcntl
import os

import pytest

from userproxy.dataplane import pipes
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.pipes import PipePool


def test_a_pipe_is_used_again_and_their_number_is_bounded() -> None:
    budget = Descriptors(0, limit=1000)
    pool = PipePool(1, budget)
    pipe = pool.acquire()
    assert pipe is not None
    assert fcntl.fcntl(pipe.writer, fcntl.F_GETPIPE_SZ) >= pipes.LEAST_BYTES
    assert pool.acquire() is None
    pool.release(pipe)
    assert pool.acquire() is pipe
    pool.release(pipe)
    pool.close()
    assert budget.used == 0


def test_a_pipe_with_bytes_inside_is_closed() -> None:
    pool = PipePool(1, Descriptors(0, limit=1000))
    pipe = pool.acquire()
    assert pipe is not None
    os.write(pipe.writer, b"secret of another client")
    pipe.filled = 24
    pool.release(pipe)
    fresh = pool.acquire()
    assert fresh is not None
    assert fresh is not pipe
    with pytest.raises(BlockingIOError):
        os.read(fresh.reader, 100)
    pool.release(fresh)
    pool.close()


def test_no_descriptors_no_pipe() -> None:
    budget = Descriptors(0, limit=1000)
    budget.take(budget.available - 1)
    assert PipePool(1, budget).acquire() is None


def test_a_pipe_that_came_out_small_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without privilege the kernel gives 8 KiB ones once a user has many (pipe(7))."""
    real = fcntl.fcntl

    def small(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETPIPE_SZ:
            real(descriptor, command, 4096)
            raise PermissionError
        return int(real(descriptor, command, argument))

    monkeypatch.setattr(fcntl, "fcntl", small)
    budget = Descriptors(0, limit=1000)
    assert PipePool(1, budget).acquire() is None
    assert budget.used == 0
