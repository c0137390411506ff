"""A kernel without recvmmsg(2) and sendmmsg(2), as in some sandboxes: for ``pytest --udp plain``."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

__all__ = ["refuse_mmsg"]

_NUMBERS = {"x86_64": (299, 307), "aarch64": (243, 269)}
"""Of recvmmsg and sendmmsg, by machine."""
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
"""BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K."""
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
"""SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO."""
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
"""For prctl(2); without new privileges a filter needs none."""


def refuse_mmsg() -> None:
    """From now on both fail with ENOSYS, in this process and in all that it starts.

    By a filter of seccomp(2): workers and commands are processes of their own, which no patch would reach.
    Raises OSError where that is not possible.
    """
    if platform.machine() not in _NUMBERS:
        raise OSError(errno.ENOSYS, f"system calls of {platform.machine()} are not known")
    receive, send = _NUMBERS[platform.machine()]
    instructions = (
        (_LOAD, 0, 0, 0),  # the number of the system call, the first word of seccomp_data
        (_JUMP_IF_EQUAL, 1, 0, receive),
        (_JUMP_IF_EQUAL, 0, 1, send),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_RETURN, 0, 0, _ALLOW),
    )
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in instructions))
    counted = ctypes.create_string_buffer(struct.pack("@HP", len(instructions), ctypes.addressof(program)))
    library = ctypes.CDLL(None, use_errno=True)
    for option, value, pointer in ((_SET_NO_NEW_PRIVS, 1, None), (_SET_SECCOMP, _FILTER, counted)):
        if library.prctl(option, ctypes.c_ulong(value), pointer, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
