"""``--table-file``: the table as JSON for other programs, true from the first moment to the last."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from userproxy.cli.table import TableRow
from userproxy.errors import ConfigError
from userproxy.replaced_file import replaced_file

__all__ = ["TableFile"]

logger = logging.getLogger(__name__)


class TableFile:
    """Replaces ``path`` at once, so that nobody reads addresses of an earlier run.

    Its methods write, so they belong in a thread; from several threads, one writes after the other.
    """

    def __init__(self, path: Path, *, others: bool = False) -> None:
        """Raises ConfigError when it cannot be written.

        ``others``: it may be true of another process still, and stays as it is until `own`.
        """
        self._path = path
        self._writing = threading.Lock()
        self._over = False
        self._left = others
        self.name = os.path.realpath(path)
        """The whole path."""
        if not path.parent.is_dir():
            raise ConfigError(f"--table-file {path}: there is no folder {path.parent}")
        if path.exists() and not (path.is_file() or path.is_dir()):  # replacing /dev/null would harm all
            raise ConfigError(f"--table-file {path}: is no plain file")
        try:
            if others:
                with tempfile.TemporaryFile(dir=path.parent):
                    return
            _replace(path, ())
        except OSError as error:
            raise ConfigError(f"--table-file {path}: cannot be written: {error.strerror}") from error

    def keep(self, rows: Sequence[TableRow]) -> None:
        """``rows`` are what it says now. A disk that is full may have room later: that is only logged."""
        with self._writing:
            if not self._over:
                self._write(rows)

    def own(self) -> None:
        """The file is ours from now on."""
        self._left = False

    def leave(self) -> None:
        """The file is another process's from now on."""
        with self._writing:
            self._over = True
            self._left = True

    def close(self) -> None:
        """Nothing is served any more; whatever `keep` is still told is out of date."""
        with self._writing:
            self._over = True
            if not self._left:
                self._write(())

    def _write(self, rows: Sequence[TableRow]) -> None:
        try:
            _replace(self._path, rows)
        except OSError as error:
            logger.error("--table-file %s: %s", self._path, error.strerror)


def _replace(path: Path, rows: Sequence[TableRow]) -> None:
    """In one step, so that a reader never sees half a table. Raises OSError."""
    import orjson

    data = orjson.dumps([row.as_json() for row in rows], option=orjson.OPT_INDENT_2) + b"\n"
    with replaced_file(path) as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(data)
