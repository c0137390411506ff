"""What ends a run early."""

from __future__ import annotations

__all__ = ["BenchmarkError", "FileError", "Interrupted"]


class BenchmarkError(Exception):
    """A process did not start, ended, or does not answer. One line for people; the run exits with 1."""


class Interrupted(Exception):
    """Signal ``number`` ended the run; everything that was started is stopped."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class FileError(BenchmarkError):
    """A result file cannot be used. One line for people; exit code 2."""
