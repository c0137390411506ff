"""A person can be asked only at a terminal whose foreground we have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from userproxy.sources.kube.terminal import may_ask

SCRIPT = """
import fcntl, os, signal, termios
from userproxy.sources.kube.terminal import may_ask
os.setsid()
print(may_ask())
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
print(may_ask())
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    print(may_ask(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_only_the_foreground_of_a_terminal_may_ask() -> None:
    ours, theirs = os.openpty()
    try:
        # A terminal that is not ours, ours, and ours while another group has the foreground.
        output = subprocess.run(
            [sys.executable, "-u", "-c", SCRIPT], stdin=theirs, stdout=subprocess.PIPE, check=True, text=True
        ).stdout
    finally:
        os.close(ours)
        os.close(theirs)
    assert output.split() == ["False", "True", "False"]


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda fd: False)
    assert not may_ask()
