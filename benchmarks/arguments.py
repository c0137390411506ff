"""Arguments that are numbers, for argparse: what is none, or not above 0, is refused."""

from __future__ import annotations

from argparse import ArgumentTypeError

__all__ = ["seconds", "whole"]


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
