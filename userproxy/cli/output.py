"""Standard output and error, whatever is behind them: closed, broken, full, or a reader that stalls.

A command that only prints uses `writing` around it; one that has traffic to carry hands its lines to a
`LineWriter` and never waits.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator

from userproxy.errors import UserproxyError

__all__ = ["LineWriter", "OutputError", "discard_output", "open_standard_streams", "print_json", "writing"]

WAITING_CHARACTERS = 1 << 20
"""So much may wait for a reader; what comes while it does is left out."""
FLUSH_TIMEOUT_S = 2.0
"""A reader that stalls holds the end up for at most so long."""


class OutputError(UserproxyError):
    """Standard output cannot be written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")
        self.reader_gone = isinstance(error, BrokenPipeError)


def open_standard_streams() -> None:
    """Give descriptors 0, 1 and 2 that the caller closed to /dev/null, before a socket gets them."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(opened, True)
    for name, descriptor in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            mode = "w" if descriptor else "r"
            stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115  # kept to the end
            setattr(sys, name, stream)


def discard_output() -> None:
    """Whatever is still buffered for standard output goes nowhere, also when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: it is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """What the block prints is written at its end. Raises OutputError when that fails."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        raise OutputError(error) from error


def print_json(value: object) -> None:
    """For people too: indented. Belongs into a block of `writing`."""
    import orjson

    form = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps(value, option=form))


class LineWriter:
    """Lines for a descriptor, written by a thread of its own: nobody waits for a reader.

    When a reader is too slow, lines are left out, and a line says how many.
    """

    def __init__(self, descriptor: int, *, failed: Callable[[OSError], None] | None = None) -> None:
        """``failed`` is told of the first error, on the thread; later lines are tried all the same."""
        self._descriptor = descriptor
        self._failed = failed
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._characters = 0
        self._left_out = 0
        self._over = False
        self.error: OSError | None = None
        """The first error of writing."""
        # A daemon, as a write that nobody reads shall not keep the process.
        self._thread = threading.Thread(target=self._write_all, name="output", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Take one line, or several, to be written; never blocks."""
        with self._changed:
            if self._over:
                return
            if self._characters >= WAITING_CHARACTERS:
                self._left_out += text.count("\n") + 1
                return
            self._lines.append(text)
            self._characters += len(text)
            self._changed.notify()

    def close(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Take no more, and wait until all is written, or ``timeout_s`` seconds."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _write_all(self) -> None:
        while batch := self._next():
            try:
                _write(self._descriptor, batch)
            except OSError as error:
                if self.error is None:
                    self.error = error
                    if self._failed is not None:
                        self._failed(error)

    def _next(self) -> bytes:
        """What has come, once something has; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._over)
            lines, self._lines = self._lines, []
            left_out, self._left_out = self._left_out, 0
            self._characters = 0
        if left_out:
            lines.append(f"({left_out} lines left out: the reader is too slow)")
        return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


def _write(descriptor: int, data: bytes) -> None:
    """Past Python's own buffers, whose locks would be waited for when the interpreter ends."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # somebody who shares the terminal made it so
            select.select((), (descriptor,), ())
