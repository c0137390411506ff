"""Live runs with tools that are missing, that refuse, and that look: what can be seen is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.profile.report import render
from benchmarks.profile.run import RECIPES, profile
from benchmarks.profile.tools import Tool

SECONDS = 0.7

REFUSES = "import sys; sys.exit('Error:\\nAccess to performance monitoring is limited.\\nConsider ...')"
COUNTS_WHILE_A_PROGRAM_RUNS = """
import subprocess, sys
if sys.argv[1] != "stat":
    sys.exit("no samples")
subprocess.run(sys.argv[sys.argv.index("--") + 1:], check=True)
open(sys.argv[sys.argv.index("-o") + 1], "w").write("1000000,,syscalls:sys_enter_read,1,100.00,,")
"""
COUNTS_UNTIL_TOLD = """
import signal, sys
def end(*_):
    summary = " 99.00    0.024993           3   1000000           read"
    open(sys.argv[sys.argv.index("-o") + 1], "w").write(summary)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.pause()
"""
SEES_PYTHON = """
import sys, time
time.sleep(float(sys.argv[sys.argv.index("--duration") + 1]))
open(sys.argv[sys.argv.index("--output") + 1], "w").write("run (runners.py:1);_wake (engine.py:2) 30")
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tools are looked for; none is installed but what a test puts there."""

    def path(tool: Tool) -> str:
        file = tmp_path / tool.name
        return str(file) if file.is_file() else ""

    monkeypatch.setattr(Tool, "path", property(path))
    return tmp_path


def install(folder: Path, name: str, text: str) -> None:
    program = folder / name
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o755)


async def test_without_tools_there_are_times_and_how_to_install_them(tools: Path) -> None:
    found = await profile("requests", "asyncio", SECONDS)
    assert found.window.report.done > 0
    assert found.window.cpu["proxy"].total_s > 0
    assert not found.failed
    said = render(found)
    for line in ("system calls: no tool could count them", "instructions: not counted"):
        assert line in said
    for name in ("perf", "strace", "py-spy"):
        assert f"\n{name} is not installed (" in said


async def test_what_one_tool_may_not_do_another_does(tools: Path) -> None:
    install(tools, "perf", REFUSES)
    install(tools, "strace", COUNTS_UNTIL_TOLD)
    install(tools, "py-spy", SEES_PYTHON)
    found = await profile("datagrams", "uvloop", SECONDS)
    assert found.calls.tool == "strace -c"
    assert list(found.calls.by_name) == ["read"]
    assert 0 < found.calls.by_name["read"] < 1_000_000
    assert set(found.calls.refused) == {"perf stat", "perf trace"}
    [samples] = found.samples
    assert samples.stacks == {("run (runners.py)", "_wake (engine.py)"): 30}
    said = render(found)
    assert "perf stat did not count: Access to performance monitoring is limited.\n" in said
    assert "hottest functions by py-spy (30 samples):\n  100.0% _wake (engine.py)" in said
    assert "is not installed" not in said


async def test_counts_of_perf_are_divided_by_what_was_done_meanwhile(tools: Path) -> None:
    install(tools, "perf", COUNTS_WHILE_A_PROGRAM_RUNS)
    found = await profile("requests", "uvloop", SECONDS)
    assert found.calls.tool == "perf stat"
    assert list(found.calls.by_name) == ["read"]
    assert 0 < found.calls.by_name["read"] < 1_000_000
    assert found.refused == {"perf record": "no samples"}
    assert "perf record did not look: no samples" in render(found)


async def test_nothing_is_left_in_the_temporary_folder(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tools / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    await profile("bulk", "uvloop", SECONDS)
    assert not list(folder.iterdir())


def test_a_recipe_for_each_kind_of_load() -> None:
    assert list(RECIPES) == ["requests", "connections", "bulk", "datagrams"]
