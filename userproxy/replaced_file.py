"""A file that is replaced in one step: nobody reads half of it, and what fails leaves the old one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["replaced_file"]


@contextlib.contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """What the block writes is the file at ``path`` once it has ended well; until then it has another name.

    Its owner alone may read it, unless the block changes that. Raises OSError.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
