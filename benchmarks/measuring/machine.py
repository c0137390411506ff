"""Facts about this machine and its software, for those who read figures elsewhere."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.processes import ROOT

__all__ = ["commit", "congestion_control", "cores", "cpu_model", "facts"]


def facts() -> dict[str, object]:
    """No names and no paths of this machine."""
    head = commit(ROOT)
    return {
        "cpu": cpu_model(Path("/proc/cpuinfo")),
        "cores": cores(),
        "kernel": f"{platform.system()} {platform.release()}",
        "congestion_control": congestion_control(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "userproxy": _version("userproxy"),
        "uvloop": _version("uvloop"),
        "commit": head.removesuffix("+"),
        "dirty": head.endswith("+"),
    }


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def congestion_control() -> str:
    """That a new TCP connection gets: one that paces by timers (bbr) makes bulk on loopback dearer."""
    with socket.socket() as sock:
        name = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return name.rstrip(b"\0").decode()


def cpu_model(cpuinfo: Path) -> str:
    """The processor's own name; its architecture where it has none."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def commit(folder: Path) -> str:
    """Of the tree that runs; "+" behind it when files differ from it; "" outside of a repository."""
    head = _git(folder, "rev-parse", "--short=12", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{head}+" if head and changed else head


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
