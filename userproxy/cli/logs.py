"""Logging set-up of the command line: to standard error, as text or as one JSON object a line."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from userproxy.cli.output import LineWriter
from userproxy.log import fields_of

__all__ = ["add_log_options", "logging_to_stderr"]


def add_log_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-format", choices=["text", "json"], default="text", help="form of the log on standard error"
    )
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="log what happens; twice: every connection"
    )


@contextlib.contextmanager
def logging_to_stderr(log_format: str, verbose: int) -> Iterator[None]:
    """Warnings and errors; -v: what changes; -vv: every connection and listener.

    Nobody who logs waits for the reader of standard error. When the block ends, what is left is written,
    within a time limit.
    """
    writer = LineWriter(sys.stderr.fileno())
    handler = _Handler(writer)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    root = logging.getLogger()
    root.addHandler(handler)
    ours = logging.getLogger("userproxy")
    ours.setLevel([logging.WARNING, logging.INFO][verbose] if verbose < 2 else logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        writer.close()


class _Handler(logging.Handler):
    """Formats at once, as fields may change later; writing is the thread's."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.say(self.format(record))
        except Exception:  # as every handler: a bad record harms nobody but itself
            self.handleError(record)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage().replace("\n", "\\n")
        trace = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        return f"{_time(record)} {record.levelname:<7} {message}{trace}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        import orjson

        line: dict[str, object] = {"time": _time(record), "level": record.levelname.lower()}
        fields = fields_of(record)
        if fields is not None:
            line.update(fields)
        else:
            line.update(event="message", logger=record.name, message=record.getMessage())
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()
