"""Reading /proc: made-up trees, and this process itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.measuring.proc import (
    TICK_S,
    CpuTime,
    ProcessStat,
    children_of,
    cpu_of_tree,
    machine_busy_s,
    open_descriptors,
    process_clock_s,
    resident_bytes,
    resident_of_tree,
)


def stat_line(pid: int, parent: int, times: str, name: str = "python3") -> str:
    """``times``: utime, stime, cutime and cstime."""
    return f"{pid} ({name}) S {parent} 1 1 0 -1 4194304 102 0 0 0 {times} 20 0 1 0 420568 3133440 388\n"


def made_up(folder: Path, *lines: str) -> Path:
    for line in lines:
        entry = folder / line.partition(" ")[0]
        entry.mkdir()
        (entry / "stat").write_text(line)
    (folder / "meminfo").write_text("MemTotal: 1 kB\n")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("haproxy", id="plain"),
        pytest.param("a b", id="with a blank"),
        pytest.param("odd) S 1 (", id="with parentheses"),
    ],
)
def test_stat_of_a_process(name: str) -> None:
    assert ProcessStat.parse(stat_line(7, 3, "10 20 1 2", name)) == ProcessStat(7, 3, 10, 20, 1, 2)


@pytest.mark.parametrize("text", ["", "7 (x) S 3", "7 x S 3 1 1 0 -1 4194304 102 0 0 0 1 2 3 4", "no (x) S"])
def test_what_is_no_stat_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        ProcessStat.parse(text)


def test_a_tree_is_the_process_and_all_its_descendants(tmp_path: Path) -> None:
    proc = made_up(
        tmp_path,
        stat_line(10, 1, "100 50 0 0"),
        stat_line(11, 10, "10 5 0 0"),
        stat_line(12, 11, "1 1 3 2"),
        stat_line(20, 1, "1000 1000 0 0"),
    )
    taken = cpu_of_tree(10, proc, clock_s=lambda pid: None)
    assert taken.user_s == pytest.approx(114 * TICK_S)
    assert taken.system_s == pytest.approx(58 * TICK_S)


def test_the_sum_is_as_exact_as_the_clock_and_ticks_divide_it(tmp_path: Path) -> None:
    proc = made_up(tmp_path, stat_line(10, 1, "30 10 2 1"), stat_line(11, 10, "0 0 0 0"))
    taken = cpu_of_tree(10, proc, clock_s={10: 0.404, 11: 0.002}.get)
    assert taken.total_s == pytest.approx(0.406 + 3 * TICK_S)
    assert taken.user_s == pytest.approx(0.303 + 0.002 + 2 * TICK_S)


def test_the_clock_of_a_process() -> None:
    before = process_clock_s(os.getpid())
    assert before is not None
    assert before <= time.process_time()
    assert process_clock_s(2**22 + 1) is None  # above the greatest number that there can be


def test_children(tmp_path: Path) -> None:
    lines = [stat_line(10, 1, "1 1 0 0"), stat_line(12, 10, "1 1 0 0"), stat_line(11, 10, "1 1 0 0")]
    proc = made_up(tmp_path, *lines, stat_line(13, 11, "1 1 0 0"), stat_line(20, 1, "1 1 0 0"))
    assert children_of(10, proc) == (11, 12)


def test_a_process_that_has_gone(tmp_path: Path) -> None:
    proc = made_up(tmp_path, stat_line(10, 1, "1 1 0 0"))
    with pytest.raises(ProcessLookupError):
        cpu_of_tree(11, proc)
    with pytest.raises(ProcessLookupError):
        resident_bytes(11, proc)
    with pytest.raises(ProcessLookupError):
        open_descriptors(11, proc)


def test_memory_and_descriptors(tmp_path: Path) -> None:
    entry = tmp_path / "10"
    (entry / "fd").mkdir(parents=True)
    for number in range(3):
        (entry / "fd" / str(number)).touch()
    (entry / "status").write_text("Name:\tx\nVmPeak:\t  99 kB\nVmRSS:\t   51200 kB\n")
    assert resident_bytes(10, tmp_path) == 51200 * 1024
    assert open_descriptors(10, tmp_path) == 3


def test_memory_of_a_tree(tmp_path: Path) -> None:
    lines = (stat_line(10, 1, "1 1 0 0"), stat_line(11, 10, "1 1 0 0"), stat_line(20, 1, "1 1 0 0"))
    proc = made_up(tmp_path, *lines)
    for pid, kilobytes in ((10, 100), (11, 10), (20, 1)):
        (proc / str(pid) / "status").write_text(f"VmRSS:\t {kilobytes} kB\n")
    assert resident_of_tree(10, proc) == 110 * 1024


def test_a_zombie_has_no_memory(tmp_path: Path) -> None:
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "status").write_text("Name:\tx\nState:\tZ (zombie)\n")
    with pytest.raises(ProcessLookupError):
        resident_bytes(10, tmp_path)


def test_what_the_whole_machine_took_leaves_out_idling(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 10 200 99999 888 3 7 5 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    assert machine_busy_s(tmp_path) == pytest.approx(320 * TICK_S)


def test_time_between_two_looks() -> None:
    between = CpuTime(3.0, 2.0).since(CpuTime(1.0, 0.5))
    assert between == CpuTime(2.0, 1.5)
    assert between.total_s == 3.5


def test_this_process_and_a_child_that_was_waited_for() -> None:
    before = cpu_of_tree(os.getpid())
    subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)
    assert cpu_of_tree(os.getpid()).since(before).total_s > 0
    assert resident_bytes(os.getpid()) > 1 << 20
    assert open_descriptors(os.getpid()) >= 3
