"""The calls and the arrays that they take."""

from __future__ import annotations

import ctypes
import platform
import sys
from types import SimpleNamespace

import pytest

from userproxy.dataplane.udp_vectors import Words, vector_calls


def test_words_are_where_the_address_says() -> None:
    words = Words(4)
    assert words.view.tolist() == [0, 0, 0, 0]
    words.view[2] = 0x0102030405060708
    at = words.at(2).value
    assert at == words.address + 16
    assert ctypes.c_uint64.from_address(at).value == 0x0102030405060708


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="64-bit Linux alone"
)
def test_64_bit_linux_has_the_calls() -> None:
    assert vector_calls() is not None


def test_a_c_library_without_the_calls_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name, use_errno: SimpleNamespace())
    assert vector_calls.__wrapped__() is None


@pytest.mark.parametrize("done", [-1, 1, 2])
def test_calls_that_do_not_work_are_not_used(done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, done in part, or said to be done while nothing came."""
    library = SimpleNamespace(sendmmsg=lambda *_: done, recvmmsg=lambda *_: done)
    monkeypatch.setattr("ctypes.CDLL", lambda name, use_errno: library)
    assert vector_calls.__wrapped__() is None


def test_other_layouts_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.byteorder", "big")
    assert vector_calls.__wrapped__() is None
