"""Stacks that a sampler saw: how often each, and which functions were on top."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath

__all__ = ["KERNEL", "PYTHON", "Stack", "from_perf_script", "from_py_spy", "hottest"]

Stack = tuple[str, ...]
"""Frames from the outermost to the innermost."""
KERNEL = " [kernel]"
PYTHON = ".py)"
"""How frames of the kernel and of Python end."""
_FRAME = re.compile(r"\s*[0-9a-f]+ (?P<symbol>.+) \((?P<object>[^()]*)\)$")
_OFFSET = re.compile(r"\+0x[0-9a-f]+$")
_PYTHON = re.compile(r"py::(?P<name>[^:]+):(?P<file>.+)$")
_PY_SPY = re.compile(r"(?P<name>.+) \((?P<file>[^():]+\.py)(:\d+)?\)$")
_KEPT_PARTS = 3
"""Of a path: enough to know a module by, and none of the machine's own."""


def from_perf_script(lines: Iterable[str]) -> Counter[Stack]:
    """What ``perf script -F ip,sym,dso`` says: frames innermost first, an empty line behind each sample."""
    stacks: Counter[Stack] = Counter()
    frames: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            frames.append(_perf_frame(line))
        elif frames:
            stacks[tuple(reversed(frames))] += 1
            frames = []
    return stacks


def from_py_spy(lines: Iterable[str]) -> Counter[Stack]:
    """What ``py-spy record --format raw`` says: "outer;inner 12"; lines of one function are one frame."""
    stacks: Counter[Stack] = Counter()
    for line in lines:
        frames, _, count = line.rpartition(" ")
        if frames and count.isdigit():
            stacks[tuple([_py_spy_frame(frame) for frame in frames.split(";")])] += int(count)
    return stacks


def hottest(stacks: Mapping[Stack, int], most: int) -> list[tuple[str, float]]:
    """The functions that ran themselves most often, with their share of all samples."""
    own: Counter[str] = Counter()
    for stack, count in stacks.items():
        own[stack[-1]] += count
    total = sum(own.values())
    return [(name, count / total) for name, count in own.most_common(most)]


def _perf_frame(line: str) -> str:
    matched = _FRAME.match(line)
    if matched is None:
        return "[unknown]"
    symbol = _OFFSET.sub("", matched["symbol"])
    python = _PYTHON.match(symbol)
    if python is not None:
        return f"{python['name']} ({_short(python['file'])})"
    if "kernel" in matched["object"] or matched["object"].endswith(".ko"):
        return symbol + KERNEL
    return symbol if symbol != "[unknown]" else f"[{PurePath(matched['object']).name}]"


def _py_spy_frame(frame: str) -> str:
    matched = _PY_SPY.match(frame)
    return f"{matched['name']} ({_short(matched['file'])})" if matched is not None else frame


def _short(path: str) -> str:
    return "/".join(PurePath(path).parts[-_KEPT_PARTS:])
