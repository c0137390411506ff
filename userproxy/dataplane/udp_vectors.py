"""recvmmsg(2) and sendmmsg(2) of the C library, which Python's ``socket`` lacks, and the arrays they take.

The arrays are laid out as 64-bit Linux has them (``mmsghdr``, ``iovec``), each field in a word of 64 bits,
and are written and read as such words, which costs less than the fields of a ``ctypes.Structure``.
"""

from __future__ import annotations

import ctypes
import functools
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = [
    "CONTROL", "CONTROL_BYTES", "HEADER_WORDS", "NAME", "NAME_BYTES", "PARTS", "PART_COUNT", "PART_WORDS",
    "SIZE", "VectorCalls", "Words", "errno_now", "vector_calls",
]  # fmt: skip

NAME, NAME_BYTES, PARTS, PART_COUNT, CONTROL, CONTROL_BYTES, _FLAGS, SIZE = range(8)
"""Words of one ``mmsghdr``. SIZE is written by the kernel: bytes received or sent."""
HEADER_WORDS = 8
PART_WORDS = 2
"""Words of one ``iovec``: where it begins, and its length."""

errno_now = ctypes.get_errno
"""The error of the last call that returned -1."""

_Send = Callable[[int, ctypes.c_void_p, int, int], int]
_Receive = Callable[[int, ctypes.c_void_p, int, int, None], int]


class Words:
    """Words in memory that does not move, for the kernel to read and write; all 0 at first."""

    __slots__ = ("_memory", "address", "view")

    def __init__(self, count: int) -> None:
        self._memory = (ctypes.c_uint64 * count)()
        self.address = ctypes.addressof(self._memory)
        self.view = memoryview(self._memory).cast("B").cast("Q")

    def at(self, word: int) -> ctypes.c_void_p:
        """For a call: where ``word`` is."""
        return ctypes.c_void_p(self.address + 8 * word)


@dataclass(frozen=True, slots=True, eq=False)  # ctypes' functions have no hash
class VectorCalls:
    """Both take (descriptor, headers, how many, flags) and return how many were done, or -1 (`errno_now`)."""

    send: _Send
    receive: _Receive
    """Takes a time limit also, which is None: it is not looked at before a datagram comes (recvmmsg(2))."""


@functools.cache
def vector_calls() -> VectorCalls | None:
    """None where there are no such calls, or where they do not work on arrays of this layout."""
    if sys.platform != "linux" or sys.byteorder != "little" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    library = ctypes.CDLL(None, use_errno=True)
    try:
        calls = VectorCalls(library.sendmmsg, library.recvmmsg)
    except AttributeError:
        return None
    return calls if _work(calls) else None


def _work(calls: VectorCalls) -> bool:
    """Pass two messages through a pair of sockets.

    A C library may have another layout, a sandbox may forbid the calls.
    """
    sent = [ctypes.create_string_buffer(text, len(text)) for text in (b"one", b"three")]
    taken = [ctypes.create_string_buffer(8) for _ in sent]
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with first, second:
        outgoing, incoming = _headers_of(sent), _headers_of(taken)
        done = (
            calls.send(first.fileno(), outgoing.at(0), 2, socket.MSG_DONTWAIT),
            calls.receive(second.fileno(), incoming.at(0), 2, socket.MSG_DONTWAIT, None),
        )
    sizes = incoming.view[SIZE::HEADER_WORDS].tolist()
    return done == (2, 2) and sizes[:2] == [3, 5] and [b.value for b in taken] == [b"one", b"three"]


def _headers_of(buffers: Sequence[ctypes.Array[ctypes.c_char]]) -> Words:
    """A message for each buffer, and behind them the part of each."""
    first_part = HEADER_WORDS * len(buffers)
    words = Words((HEADER_WORDS + PART_WORDS) * len(buffers))
    for number, buffer in enumerate(buffers):
        part = first_part + PART_WORDS * number
        words.view[HEADER_WORDS * number + PARTS] = words.address + 8 * part
        words.view[HEADER_WORDS * number + PART_COUNT] = 1
        words.view[part] = ctypes.addressof(buffer)
        words.view[part + 1] = len(buffer)
    return words
