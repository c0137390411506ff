"""What a mode gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``values`` are raw values for the JSON file."""

    good: bool
    values: Mapping[str, object]
