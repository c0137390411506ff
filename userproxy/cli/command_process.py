"""The command of ``exec``: a child that waits until everything is served, then becomes the command.

It is forked before there is a second thread, as a process that leaves its namespaces must have one alone
(unshare(2)), and as forking among threads may leave locks held for ever.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

__all__ = ["CANNOT_EXECUTE", "NOT_FOUND", "CommandProcess"]

NOT_FOUND = 127
CANNOT_EXECUTE = 126
"""As shells say it (POSIX, 2.8.2)."""


class CommandProcess:
    """Owns the child until `exit_code`, and the socket to it."""

    def __init__(self, command: Sequence[str]) -> None:
        """Forks: call it before any thread is started."""
        self.sock, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self.sock.close()
            _become(theirs, command)
        theirs.close()
        self.pidfd = os.pidfd_open(self._pid)
        """Readable once the child has ended."""

    def close(self) -> None:
        """End it if it still waits; what runs already is asked to end. Waits for it."""
        self.sock.close()
        if self._pid:
            self.signal(signal.SIGTERM)
            self.exit_code()
        os.close(self.pidfd)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def release(self, environment: Mapping[str, str], hosts: str = "") -> None:
        """Let it become the command, with ``hosts`` in the place of the system's hosts file if given.

        The file loses its name when it is there.
        """
        message = json.dumps({"environment": dict(environment), "hosts": hosts}).encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended
            self.sock.sendall(len(message).to_bytes(4, "big") + message)

    def started(self) -> str:
        """Return once it is the command, or has ended: why it has no hosts file of its own, else ""."""
        with self.sock.makefile("rb") as said:
            return said.read().decode()

    def exit_code(self) -> int:
        """Its exit code, or 128 + n of the signal that ended it; waits for its end."""
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        code = os.waitstatus_to_exitcode(status)
        return 128 - code if code < 0 else code


# In the child.


def _become(sock: socket.socket, command: Sequence[str]) -> NoReturn:
    code = 1
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it while it waits
        code = _wait_and_execute(sock, command)
    finally:
        os._exit(code)


def _wait_and_execute(sock: socket.socket, command: Sequence[str]) -> int:
    """Returns an exit code when there is nothing to execute, or it cannot be."""
    head = sock.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:  # whoever started it has ended
        return 1
    wanted = json.loads(sock.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
    if wanted["hosts"]:
        sock.sendall(_put_hosts(wanted["hosts"]).encode())
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), wanted["environment"])
    except OSError as error:
        print(f"userproxy exec: {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else CANNOT_EXECUTE


def _put_hosts(hosts: str) -> str:
    """Why it could not be done; "" when it is."""
    from userproxy.discovery.mount_namespace import enter, working_isolation
    from userproxy.discovery.private_hosts import SYSTEM_HOSTS

    isolation = working_isolation(hosts, str(SYSTEM_HOSTS))
    if isinstance(isolation, OSError):
        return isolation.strerror or "not permitted"
    try:
        enter(isolation, hosts, str(SYSTEM_HOSTS))
        os.unlink(hosts)  # the mount keeps it; whatever happens to us now, nothing is left
    except OSError as error:
        return error.strerror or "not permitted"
    return ""
