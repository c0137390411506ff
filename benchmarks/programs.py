"""Programs of other projects: where they are, and which version."""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["find", "first_line"]

ADMIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin")
"""Debian puts haproxy and nginx where only root's PATH leads."""


def find(name: str) -> str:
    """The path of a program, "" when it is not installed."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *ADMIN_FOLDERS))
    return shutil.which(name, path=path) or ""


def first_line(*command: str) -> str:
    """What a program says first when it is asked for its version; "" when it says nothing."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return lines[0].strip() if lines else ""
