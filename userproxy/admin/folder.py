"""The folder of sockets, one for each running process of this user: ``$XDG_RUNTIME_DIR/userproxy/PID.sock``.

Where the variable names no folder of this user, it is ``/tmp/userproxy-UID``. Only its owner may look into
it, and a link or somebody else's folder in its place is refused.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from userproxy.errors import AdminError
from userproxy.succession.channel import peer_of

__all__ = ["SocketFolder", "folder_path"]

BACKLOG = 16
_NAME = re.compile(r"([1-9][0-9]{0,9})\.sock")


def folder_path(environ: Mapping[str, str]) -> Path:
    """Where this user's sockets are.

    A runtime folder that is missing, or another user's (as under sudo), does not count: the XDG Base
    Directory Specification wants it owned by the user.
    """
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    with contextlib.suppress(OSError, ValueError):
        status = runtime.stat()
        if runtime.is_absolute() and stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
            return runtime / "userproxy"
    return Path(f"/tmp/userproxy-{os.geteuid()}")


class SocketFolder:
    """Owns a descriptor of the folder until `close`: what was checked is what is used."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Raises AdminError when it is not a folder that this user alone may use, FileNotFoundError when it
        is not there and not to be created."""
        self.path = path
        try:
            if create:
                with contextlib.suppress(FileExistsError):
                    path.mkdir(0o700)
            self._descriptor = os.open(path, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            if not create:
                raise
            raise AdminError(f"{path}: there is no folder {path.parent}") from None
        except OSError as error:
            raise AdminError(f"{path}: {_refusal(path, error)}") from error
        fault = self._fault()
        if fault:
            self.close()
            raise AdminError(f"{path}: {fault}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    def _fault(self) -> str:
        status = os.fstat(self._descriptor)
        if status.st_uid != os.geteuid():
            return _foreign(status.st_uid)
        if status.st_mode & 0o077:
            return f"is open to others; chmod 700 {self.path}"
        return ""

    def listen(self) -> socket.socket:
        """A socket where this process is found; `withdraw` takes it away. Raises AdminError."""
        name, draft = f"{os.getpid()}.sock", f".{os.getpid()}"
        if self._is_open(os.getpid()):  # of a container that shares the folder, and numbers processes itself
            raise AdminError(f"{self.path / name}: another process answers there")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        try:
            with contextlib.suppress(FileNotFoundError):  # of one with our number that was killed here
                os.unlink(draft, dir_fd=self._descriptor)
            listener.bind(self._address(draft))
            listener.listen(BACKLOG)
            # Nobody finds a socket that does not listen yet, and takes it for a dead process's.
            os.replace(draft, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except OSError as error:
            listener.close()
            raise AdminError(f"{self.path / name}: {error.strerror}") from error
        return listener

    def withdraw(self) -> None:
        """This process is found no more."""
        with contextlib.suppress(OSError):
            os.unlink(f"{os.getpid()}.sock", dir_fd=self._descriptor)

    def processes(self) -> tuple[int, ...]:
        """Those whose sockets are open, in order. The sockets of processes that have ended are removed."""
        found = [int(match[1]) for name in os.listdir(self._descriptor) if (match := _NAME.fullmatch(name))]
        return tuple(pid for pid in sorted(found) if self._is_open(pid))

    def connect(self, pid: int, timeout_s: float) -> socket.socket:
        """Raises AdminError when nobody is found there, or somebody else."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout_s)
        try:
            sock.connect(self._address(f"{pid}.sock"))
            _, uid = peer_of(sock)
        except OSError as error:
            sock.close()
            if isinstance(error, FileNotFoundError | ConnectionRefusedError):
                raise AdminError(f"no userproxy runs as process {pid}") from error
            raise AdminError(f"process {pid}: {error.strerror or 'does not answer'}") from error
        if uid != os.geteuid():
            sock.close()
            raise AdminError(f"{self.path / f'{pid}.sock'}: is served by user {uid}")
        return sock

    def _is_open(self, pid: int) -> bool:
        """Also of a process that is stopped, or too busy to answer."""
        name = f"{pid}.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
            try:
                sock.connect(self._address(name))
            except FileNotFoundError:
                return False
            except ConnectionRefusedError:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self._descriptor)
                return False
            except BlockingIOError:  # its queue is full
                return True
        return True

    def _address(self, name: str) -> str:
        """Of any length: the kernel takes 107 bytes (unix(7)), and folders may be deeper."""
        return f"/proc/self/fd/{self._descriptor}/{name}"


def _refusal(path: Path, error: OSError) -> str:
    """Why the folder could not be opened; one of another user's is not readable either."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return "is a link"
        if error.errno in (errno.EACCES, errno.EPERM) and status.st_uid != os.geteuid():
            return _foreign(status.st_uid)
    return error.strerror or str(error)


def _foreign(owner: int) -> str:
    """What to do about a folder that ``owner`` made where this user's should be."""
    advice = "remove it, or set XDG_RUNTIME_DIR to a folder of yours"
    return f"belongs to user {owner}, and this is {os.geteuid()}; {advice}"
