"""The JSON file of one run: raw values with what one must know to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring.machine import facts

__all__ = ["FORMAT", "document", "write"]

FORMAT = 1
"""Grows when a field changes its meaning; fields may be added without."""


def document(mode: str, arguments: Sequence[str], values: Mapping[str, object]) -> dict[str, object]:
    """``values`` of one run in ``mode``, with the machine and the command."""
    return {
        "format": FORMAT,
        "mode": mode,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(("python -m benchmarks", *_without_file(arguments))),
        "machine": facts(),
        **values,
    }


def write(path: Path, content: Mapping[str, object]) -> None:
    """Raises OSError."""
    path.write_text(json.dumps(content, indent=1) + "\n")


def _without_file(arguments: Sequence[str]) -> list[str]:
    """The file's own path says something about this machine, and nothing about the run."""
    kept = []
    skip = False
    for argument in arguments:
        if not skip and argument != "--json" and not argument.startswith("--json="):
            kept.append(argument)
        skip = argument == "--json"
    return kept
