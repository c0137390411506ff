"""The path where a process is found by the next one: whom to take over from, and how to be found."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from userproxy.errors import ConfigError, TakeoverError
from userproxy.succession.channel import KIND, peer_of

__all__ = ["TakeoverPath"]

MAX_PATH_BYTES = 107
"""108 with the zero byte at its end (unix(7), sun_path)."""
BACKLOG = 8


class TakeoverPath:
    """Where the takeover socket is or will be. Owns the listening socket once it is published."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError when no socket can be there."""
        self._path = path
        self.listener: socket.socket | None = None
        """Where the next process connects; None: not published."""
        self._mine: tuple[int, int] | None = None
        if len(os.fsencode(path)) > MAX_PATH_BYTES:
            raise ConfigError(f"--takeover {path}: longer than {MAX_PATH_BYTES} bytes")
        if not path.parent.is_dir():
            raise ConfigError(f"--takeover {path}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ConfigError(f"--takeover {path}: no permission to write to {path.parent}")
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.stat().st_mode):
                raise ConfigError(f"--takeover {path}: is there, and no socket")

    def __str__(self) -> str:
        return str(self._path)

    def claim(self) -> socket.socket | None:
        """Connect to the process that is found there; None: there is none, and now we are.

        Raises TakeoverError when it is not one of ours.
        """
        with self._alone():
            peer = self._connect()
            if peer is None:
                self.publish()
        return peer

    def publish(self) -> None:
        """Be found at the path from now on, instead of whoever was. Raises TakeoverError."""
        folder = os.open(self._path.parent, os.O_DIRECTORY | os.O_CLOEXEC)
        name = f".{self._path.name[:64]}.{os.getpid()}"
        listener = socket.socket(socket.AF_UNIX, KIND)
        try:
            with contextlib.suppress(FileNotFoundError):  # of a process with our number that was killed here
                os.unlink(name, dir_fd=folder)
            # Nobody else may connect from its first moment on; and by this name no path is too long.
            usual = os.umask(0o177)
            try:
                listener.bind(f"/proc/self/fd/{folder}/{name}")
            finally:
                os.umask(usual)
            listener.listen(BACKLOG)
            status = os.stat(name, dir_fd=folder)
            os.replace(name, self._path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            listener.close()
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise TakeoverError(f"--takeover {self}: {error.strerror}") from error
        finally:
            os.close(folder)
        self.listener = listener
        self._mine = (status.st_dev, status.st_ino)

    def withdraw(self) -> None:
        """Be found no more; a successor's socket stays."""
        if self.listener is None:
            return
        with contextlib.suppress(OSError):
            status = os.lstat(self._path)
            if (status.st_dev, status.st_ino) == self._mine:
                os.unlink(self._path)
        self.listener.close()
        self.listener = None

    def _connect(self) -> socket.socket | None:
        sock = socket.socket(socket.AF_UNIX, KIND)
        try:
            sock.connect(os.fspath(self._path))
            _, uid = peer_of(sock)
            if uid != os.geteuid():
                raise TakeoverError(f"--takeover {self}: is served by user {uid}, and this is {os.geteuid()}")
        except OSError as error:
            sock.close()
            if error.errno in (errno.ENOENT, errno.ECONNREFUSED):  # ECONNREFUSED: left behind by the dead
                return None
            if error.errno == errno.EPROTOTYPE:
                raise TakeoverError(f"--takeover {self}: is served by another program") from error
            raise TakeoverError(f"--takeover {self}: {error.strerror}") from error
        except BaseException:
            sock.close()
            raise
        return sock

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Of processes that start at once, one is the first. Raises TakeoverError for the others."""
        folder = os.open(self._path.parent, os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise TakeoverError(f"--takeover {self}: another process is starting there; try again") from None
        finally:
            os.close(folder)
