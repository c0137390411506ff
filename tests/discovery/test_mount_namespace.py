"""One file in the place of another, for one process alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from userproxy.discovery.mount_namespace import Isolation, working_isolation


def isolated(tmp_path: Path, isolation: Isolation) -> str:
    """What a process sees: the file, its ids, and whether what it writes there is elsewhere too."""
    (tmp_path / "source").write_text("new\n")
    (tmp_path / "target").write_text("old\n")
    program = (
        "import os, sys\n"
        "from userproxy.discovery.mount_namespace import Isolation, enter\n"
        "enter(Isolation(int(sys.argv[1])), sys.argv[2], sys.argv[3])\n"
        "print(open(sys.argv[3]).read().strip(), os.geteuid(), os.getegid())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(int(isolation)), tmp_path / "source", tmp_path / "target"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"not here: {done.stderr.splitlines()[-1]}")
    return done.stdout


@pytest.mark.parametrize("isolation", list(Isolation), ids=lambda isolation: isolation.name)
def test_the_process_sees_the_other_file_and_nobody_else_does(tmp_path: Path, isolation: Isolation) -> None:
    assert isolated(tmp_path, isolation) == f"new {os.geteuid()} {os.getegid()}\n"
    assert (tmp_path / "target").read_text() == "old\n"


def test_trying_leaves_this_process_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old\n")
    (tmp_path / "source").write_text("new\n")
    working_isolation(str(tmp_path / "source"), str(tmp_path / "target"))
    assert (tmp_path / "target").read_text() == "old\n"


def test_what_cannot_be_mounted_says_why(tmp_path: Path) -> None:
    found = working_isolation(str(tmp_path / "missing"), str(tmp_path / "target"))
    assert isinstance(found, OSError)
    assert found.strerror
