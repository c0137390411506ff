"""The paths that a user gives, and how problems call what lies there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from userproxy.errors import ConfigError
from userproxy.model.names import ObjectRef

__all__ = ["STANDARD_INPUT", "Given", "file_ref", "folder_ref", "give", "printable"]

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Given:
    """One path as a user gave it."""

    label: str
    """How it is called in problems."""
    path: str
    """Absolute; "-" for standard input."""
    once: bool = False
    """Standard input, or a FIFO: read once, to its end."""

    @property
    def ref(self) -> ObjectRef:
        return file_ref(self.label)


def give(paths: str | Path | Iterable[str | Path]) -> tuple[Given, ...]:
    """The given paths, each once, in order.

    Raises ConfigError when there are none, or when nothing is there under one of them.
    """
    givens: dict[str, Given] = {}
    for path in [paths] if isinstance(paths, str | Path) else paths:
        text = str(path)
        if text == STANDARD_INPUT:
            givens.setdefault(text, Given(text, text, once=True))
            continue
        try:
            mode = os.stat(text).st_mode
        except PermissionError:  # something may be there: it is reported, and waited for
            mode = 0
        except OSError as error:
            raise ConfigError(f"{printable(text)}: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{printable(text)}: {error}") from error
        absolute = os.path.abspath(text)
        givens.setdefault(absolute, Given(printable(text), absolute, once=stat.S_ISFIFO(mode)))
    if not givens:
        raise ConfigError("no file or folder is given")
    return tuple(givens.values())


def file_ref(label: str) -> ObjectRef:
    return ObjectRef("file", "", label)


def folder_ref(label: str) -> ObjectRef:
    return ObjectRef("folder", "", label)


def printable(name: str) -> str:
    """``name`` for people: bytes that are no text in it are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
