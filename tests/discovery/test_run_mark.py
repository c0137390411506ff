"""Which run wrote something, and whether it is still there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from userproxy.discovery.run_mark import RunMark


def test_this_run_is_there_and_its_text_names_it() -> None:
    own = RunMark.own()
    assert own.alive()
    assert own.pid == os.getpid()
    assert RunMark.parse(str(own)) == own


def test_a_process_that_ended_is_gone() -> None:
    program = "from userproxy.discovery.run_mark import RunMark; print(RunMark.own())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    mark = RunMark.parse(done.stdout.strip())
    assert mark is not None
    assert not mark.alive()


@pytest.mark.parametrize(
    ("other", "alive"),
    [
        ({"started": 1}, False),  # its number was given to another process
        ({"boot": "00000000"}, False),
        ({"pid": 2**31 - 1}, False),
        ({"pid": 2**33}, False),
        ({"pid_namespace": 1, "pid": 2**31 - 1}, True),  # cannot be seen from here
    ],
)
def test_another_run_with_something_in_common(other: dict[str, int], alive: bool) -> None:
    assert RunMark.own()._replace(**other).alive() is alive  # type: ignore[arg-type]  # one value is a text


def test_a_process_of_somebody_else_is_there() -> None:
    init = RunMark.own()._replace(pid=1)
    with open("/proc/1/stat") as file:
        started = int(file.read().rpartition(")")[2].split()[19])
    assert init._replace(started=started).alive()
    assert not init._replace(started=started + 1).alive()


@pytest.mark.parametrize("text", ["", "1", "1-2-3", "1-2-3-abcdefgh", "1-2-3-0123456", "x-2-3-01234567"])
def test_other_text_is_no_mark(text: str) -> None:
    assert RunMark.parse(text) is None
