"""A mount namespace of a process's own, where one file stands in the place of another.

With privilege that is one unshare(2). Without, it takes a user namespace as well (user_namespaces(7)), in
which the process keeps its user and group id and gains nothing outside. Python 3.11 has neither call.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

__all__ = ["Isolation", "enter", "working_isolation"]

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19


class Isolation(IntEnum):
    """Which namespaces are new: flags of unshare(2)."""

    MOUNTS = _CLONE_NEWNS
    MOUNTS_AND_USER = _CLONE_NEWNS | _CLONE_NEWUSER


def working_isolation(source: str, target: str) -> Isolation | OSError:
    """The first that puts ``source`` at ``target`` here, tried in a child each; else why the last did not.

    Kernels, containers and security modules forbid it in several ways, at different steps. A process that
    got half way cannot go back. Call it in a process with one thread.
    """
    ways = (
        (Isolation.MOUNTS, Isolation.MOUNTS_AND_USER) if os.geteuid() == 0 else (Isolation.MOUNTS_AND_USER,)
    )
    number = 0
    for way in ways:
        number = _in_child(lambda way=way: enter(way, source, target))  # type: ignore[misc]  # bound at once
        if not number:
            return way
    return OSError(number, os.strerror(number))


def enter(isolation: Isolation, source: str, target: str) -> None:
    """Leave the namespaces that this process shares, and put ``source`` at ``target`` for it alone.

    Raises OSError. The process must have one thread (unshare(2)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    _check(libc.unshare(ctypes.c_int(isolation)))
    if isolation is Isolation.MOUNTS_AND_USER:
        proc = Path("/proc/self")
        (proc / "setgroups").write_text("deny")  # else the kernel takes no map of groups from us
        (proc / "uid_map").write_text(f"{user} {user} 1")
        (proc / "gid_map").write_text(f"{group} {group} 1")
    # What others mount later still shows here, and nothing that is mounted here shows elsewhere.
    _check(libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_SLAVE), None))
    _check(libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(_MS_BIND), None))


def _in_child(action: Callable[[], None]) -> int:
    """0 when ``action`` works, else the number of its error."""
    pid = os.fork()
    if pid == 0:
        number = 255
        try:
            action()
            number = 0
        except OSError as error:
            number = error.errno or 255
        finally:
            os._exit(number)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) & 255


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
