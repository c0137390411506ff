"""Figures in documents: what stands between two markers is made from a result file.

<!-- benchmarks targets benchmarks/results/forwarding.json -->
<!-- benchmarks end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.errors import FileError
from benchmarks.report.forwards import forwards
from benchmarks.report.limits import limits
from benchmarks.report.results import Results, parse, read
from benchmarks.report.tables import cases, provenance, targets

__all__ = ["BLOCKS", "fill"]


def _of_forwarding(render: Callable[[Results], str]) -> Callable[[Mapping[str, Any], str], str]:
    return lambda raw, name: render(parse(raw, name))


BLOCKS: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "provenance": _of_forwarding(provenance),
    "targets": _of_forwarding(targets),
    "cases": _of_forwarding(cases),
    "limits": limits,
    "forwards": forwards,
}
"""What makes a block of a result file and its name."""
_BLOCK = re.compile(
    r"^(<!-- benchmarks (?P<name>\w+) (?P<file>\S+) -->)\n.*?^(<!-- benchmarks end -->)$",
    re.DOTALL | re.MULTILINE,
)


def fill(text: str, root: Path) -> tuple[str, int]:
    """``text`` with every block made anew, and how many there are; files are found from ``root``.

    Raises FileError for a block that is not known, or a file that cannot be read.
    """

    def made(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in BLOCKS:
            raise FileError(f"no block is called {name}; there are {', '.join(BLOCKS)}")
        file = root / match["file"]
        return f"{match[1]}\n\n{BLOCKS[name](read(file), file.name)}\n\n{match[4]}"

    return _BLOCK.subn(made, text)
