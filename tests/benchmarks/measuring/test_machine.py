"""Facts about the machine."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from benchmarks.measuring.machine import commit, cpu_model, facts


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_processor_says_its_name(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel\t\t: 2\nmodel name\t: Some CPU @ 3 GHz\n")
    assert cpu_model(file) == "Some CPU @ 3 GHz"


def test_a_processor_without_a_name_has_an_architecture(tmp_path: Path) -> None:
    assert cpu_model(tmp_path / "missing") == platform.machine()


def test_a_commit_is_marked_when_files_differ_from_it(tmp_path: Path) -> None:
    assert commit(tmp_path) == ""
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    clean = commit(tmp_path)
    assert len(clean) == 12
    (tmp_path / "file").write_text("two")
    assert commit(tmp_path) == clean + "+"


def test_facts_hold_no_path_of_this_machine() -> None:
    found = facts()
    assert isinstance(found["cores"], int)
    assert str(found["python"]).startswith("CPython 3.")
    assert found["congestion_control"] in available_congestion_controls()
    assert "/" not in "".join(str(value) for name, value in found.items() if name != "cpu")


def available_congestion_controls() -> list[str]:
    return Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
