"""`pytest --workers N --udp plain`: who takes part, and that it is what was asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.docs.project import ROOT, modules
from tests.option import OPTION, PROXIED, with_workers
from userproxy import MemorySource, Proxy, Settings
from userproxy.dataplane.udp_mmsg import best_batching, mmsg

OF_THEIR_OWN = frozenset({"workers", "takeover"})
"""Folders whose tests say how many workers there are, or play one of the processes by hand."""
ONE_BY_ONE = """
import subprocess, sys
from tests.without_mmsg import refuse_mmsg
refuse_mmsg()
code = "from userproxy.dataplane.udp_mmsg import best_batching; print(best_batching().name, flush=True)"
exec(code)
subprocess.run([sys.executable, "-c", code], check=True)
"""


@pytest.mark.proxied
async def test_the_variant_is_the_one_that_was_asked_for() -> None:
    async with Proxy(MemorySource(), settings=with_workers(Settings())) as proxy:
        assert proxy.workers == OPTION.workers
    assert OPTION.udp == "mmsg" or best_batching().name == OPTION.udp


@pytest.mark.skipif(mmsg() is None, reason="this platform has no recvmmsg")
def test_a_process_without_the_calls_and_its_children_take_datagrams_one_by_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert (done.stdout, done.stderr) == ("plain\nplain\n", "")


def test_every_test_that_starts_a_whole_proxy_takes_part() -> None:
    left_out = [name for name, marked in starting_a_proxy() if not marked]
    of_their_own = ["tests/command_line/test_workers.py::test_" + name for name in OWN_NUMBER]
    assert left_out == of_their_own, "mark it with `proxied`, and give its settings to `with_workers`"


OWN_NUMBER = ("table_swap_and_stop_with_two_workers", "what_is_open_in_workers_is_drained")


def starting_a_proxy() -> Iterator[tuple[str, bool]]:
    """Every test outside of `PROXIED` that does, and whether it takes part."""
    for path, tree in modules(ROOT / "tests"):
        if (PROXIED | OF_THEIR_OWN).intersection(path.parts):
            continue
        everything = any(_assigns_mark(node) for node in tree.body)
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("test_") and any(_starts_a_proxy(inner) for inner in ast.walk(node)):
                marked = everything or any("proxied" in ast.unparse(one) for one in node.decorator_list)
                yield f"{path.relative_to(ROOT).as_posix()}::{node.name}", marked


def _assigns_mark(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Assign)
        and ast.unparse(node).startswith("pytestmark")
        and "proxied" in ast.unparse(node)
    )


def _starts_a_proxy(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    command = [one.value for one in node.args if isinstance(one, ast.Constant)]
    return node.func.id == "Proxy" or (node.func.id == "running" and "run" in command)
