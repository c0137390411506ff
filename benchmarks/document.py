"""The JSON file of one run: raw values with what one must know to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring.machine import facts

__all__ = ["FORMAT", "document", "write"]

_FILES = ("--json", "--flame-graph")
"""Options that name a file to be written."""
FORMAT = 2
"""Grows when a field changes its meaning; fields may be added without."""


def document(mode: str, arguments: Sequence[str], values: Mapping[str, object]) -> dict[str, object]:
    """``values`` of one run in ``mode``, with the machine and the command."""
    return {
        "format": FORMAT,
        "mode": mode,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(("python -m benchmarks", *_without_files(arguments))),
        "machine": facts(),
        **values,
    }


def write(path: Path, content: Mapping[str, object]) -> None:
    """Raises OSError."""
    path.write_text(json.dumps(content, indent=1) + "\n")


def _without_files(arguments: Sequence[str]) -> list[str]:
    """A path says something about this machine, and nothing about the run."""
    kept = []
    skip = False
    for argument in arguments:
        if not skip and argument.partition("=")[0] not in _FILES:
            kept.append(argument)
        skip = argument in _FILES
    return kept
