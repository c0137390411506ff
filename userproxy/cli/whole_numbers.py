"""Whole numbers as options state them."""

from __future__ import annotations

__all__ = ["LARGEST", "whole_number"]

LARGEST = 999_999_999
"""Nine digits: no option needs more, and Python refuses to read thousands of them."""


def whole_number(text: str, least: int, most: int) -> int | None:
    """The number that up to nine ASCII digits spell; None for what is none, or out of range."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
        return None
    number = int(text)
    return number if least <= number <= most else None
