"""``python -m benchmarks report``: result files in, Markdown and pictures out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.errors import FileError
from benchmarks.processes import ROOT
from benchmarks.report.blocks import fill
from benchmarks.report.limits import LIMITS, limits
from benchmarks.report.plot import overview, plot
from benchmarks.report.results import load, parse, read
from benchmarks.report.tables import cases, provenance, targets

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    modes = ", ".join(("forwarding", *LIMITS))
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=f"result files of {modes}")
    parser.add_argument("--svg", type=Path, metavar="PICTURE", help="write all ratios of FILE as a picture")
    parser.add_argument("--overview", type=Path, metavar="PICTURE", help="write those of userproxy alone")
    parser.add_argument(
        "--write",
        type=Path,
        action="append",
        default=[],
        metavar="DOCUMENT",
        help="make anew what stands between its markers, which name result files; repeatable",
    )


def run(options: argparse.Namespace) -> int:
    """Raises FileError, OSError."""
    if not options.files and not options.write:
        raise FileError("report: name a result FILE, or a document with --write")
    pictures = {options.svg: plot, options.overview: overview}
    pictures.pop(None, None)
    if pictures and len(options.files) != 1:
        raise FileError("report: a picture is made from exactly one FILE")
    results = [(path.name, read(path)) for path in options.files]
    for path, draw in pictures.items():
        path.write_text(draw(load(options.files[0])), encoding="utf-8")
    for document in options.write:
        _write(document)
    for name, raw in results:
        print(f"## {name}\n\n{_tables(raw, name)}\n")
    return 0


def _tables(raw: Mapping[str, Any], name: str) -> str:
    if raw.get("mode") in LIMITS:
        return limits(raw, name)
    found = parse(raw, name)
    return "\n\n".join((provenance(found), targets(found), cases(found)))


def _write(document: Path) -> None:
    try:
        before = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{document}: {error}") from error
    after, blocks = fill(before, ROOT)
    if not blocks:
        raise FileError(
            f"{document}: has no markers (<!-- benchmarks NAME FILE --> ... <!-- benchmarks end -->)"
        )
    document.write_text(after, encoding="utf-8")
