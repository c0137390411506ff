"""``python -m benchmarks report``: result files in, Markdown and pictures out."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.errors import FileError
from benchmarks.processes import ROOT
from benchmarks.report.blocks import fill
from benchmarks.report.plot import overview, plot
from benchmarks.report.results import load
from benchmarks.report.tables import cases, provenance, targets

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="result files of forwarding")
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
    read = [load(path) for path in options.files]
    for path, draw in pictures.items():
        path.write_text(draw(read[0]), encoding="utf-8")
    for document in options.write:
        _write(document)
    for results in read:
        print(f"## {results.name}\n\n{provenance(results)}\n\n{targets(results)}\n\n{cases(results)}\n")
    return 0


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
