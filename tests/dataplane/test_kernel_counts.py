"""The kernel counts bytes from the first one on, acknowledged or not; where it does not, that is found."""

from __future__ import annotations

import errno
import socket
import struct
from _socket import socket as RawSocket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from userproxy.dataplane import kernel_counts as module
from userproxy.dataplane.kernel_counts import kernel_counts, taken_bytes


@contextmanager
def tcp_pair(family: int = socket.AF_INET) -> Iterator[tuple[socket.socket, socket.socket]]:
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]) as one,
        listener.accept()[0] as other,
    ):
        yield one, other


@pytest.fixture(autouse=True)
def ask_again() -> Iterator[None]:
    module._works.cache_clear()
    yield
    module._works.cache_clear()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_each_side_counts_what_it_was_given(family: int) -> None:
    with tcp_pair(family) as (one, other):
        assert kernel_counts(one)
        assert (taken_bytes(one), taken_bytes(other)) == (0, 0)
        one.sendall(b"x" * 1000)
        assert (taken_bytes(one), taken_bytes(other)) == (1000, 0)
        other.sendall(b"y" * 7)
        assert other.recv(2000)
        assert (taken_bytes(one), taken_bytes(other)) == (1000, 7)


def test_bytes_that_wait_in_the_kernel_count() -> None:
    with tcp_pair() as (one, other):
        one.setblocking(False)
        taken = 0
        with pytest.raises(BlockingIOError):
            while True:
                taken += one.send(b"x" * 100_000)
        assert taken_bytes(one) == taken
        assert other.recv(10)


def test_after_a_reset_the_count_stays() -> None:
    with tcp_pair() as (one, other):
        one.sendall(b"x" * 1000)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        assert taken_bytes(one) == 1000


def test_a_socket_of_another_kind_does_not_count() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not kernel_counts(ours)


@pytest.mark.parametrize("kept", [216, 192], ids=["fields empty", "fields missing"])
def test_a_kernel_without_the_fields_is_found(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    class Old(RawSocket):
        def getsockopt(self, *arguments: int) -> bytes:  # type: ignore[override]  # of the one form that is used
            return bytes(kept)

    monkeypatch.setattr(module, "Socket", Old)
    with tcp_pair() as (one, _):
        assert not kernel_counts(one)
        monkeypatch.undo()
        assert not kernel_counts(one), "asked once"


def test_without_a_descriptor_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "too many")

    with tcp_pair() as (one, _):
        with monkeypatch.context() as patch:
            patch.setattr(socket, "create_server", refuse)
            assert not kernel_counts(one)
        assert kernel_counts(one)
