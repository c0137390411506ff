"""One worker process: started by exec with its end of a socketpair, killed, reaped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

__all__ = ["WorkerProcess"]

_ROOT = str(Path(__file__).resolve().parents[2])
"""Where the package is: the worker must run the same one, whatever the working directory holds."""


class WorkerProcess:
    """Owns the process until `wait`; ``sock`` is the caller's."""

    def __init__(self, loop_kind: str) -> None:
        """``loop_kind``: asyncio or uvloop. Raises OSError when it cannot be started."""
        self.sock, theirs = socket.socketpair()
        path = os.environ.get("PYTHONPATH")
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "userproxy.workers", str(theirs.fileno()), loop_kind],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{path}" if path else _ROOT},
                )
            except BaseException:
                self.sock.close()
                raise
        self.pid = self._process.pid

    def kill(self) -> None:
        """SIGKILL: also a process that is stopped ends."""
        self._process.kill()

    def ended(self) -> str | None:
        """How it ended, in words; None while it has not. Reaps it."""
        code = self._process.poll()
        if code is None:
            return None
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def wait(self, timeout_s: float) -> None:
        """Until it has ended; after ``timeout_s`` it is killed."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
