"""Arguments for argparse: numbers that must be above 0, and files that can be written."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

__all__ = ["new_file", "seconds", "whole"]


def seconds(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"{text!r} must be a number above 0")
    return value


def whole(text: str) -> int:
    """A whole number above 0."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentTypeError(f"{text!r} must be a whole number above 0")
    return int(text)


def new_file(text: str) -> Path:
    """A path in a folder that exists; what is there is overwritten, unless it is a folder."""
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{text} is a folder")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"{text}: there is no folder {path.parent}")
    return path
