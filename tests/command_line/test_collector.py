"""What the collector is told while a process starts, and after."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from userproxy.cli.collector import rare_collections


def test_what_came_at_start_is_never_looked_at_again() -> None:
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        with rare_collections():
            assert gc.get_threshold()[0] > usual[0]
            made = [[number] for number in range(1000)]
        assert gc.get_freeze_count() >= frozen + len(made)
        assert gc.get_threshold() == usual
    finally:
        gc.unfreeze()


def test_a_start_that_fails_freezes_nothing() -> None:
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    with pytest.raises(KeyError):
        with rare_collections():
            raise KeyError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (usual, frozen)


LARGE_READ = """
import gc
from userproxy.cli.collector import collect_in_short_steps
passes = []
gc.callbacks.append(lambda phase, info: passes.append(info["generation"]))
collect_in_short_steps()
kept = [[number] for number in range(300_000)]
print(sorted(set(passes)))
"""


def test_what_is_read_at_once_brings_no_look_at_everything() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE_READ], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[0, 1]\n"
