"""Log events: one name and typed fields for each thing worth telling (docs/logging.md lists them).

In: a logger, a level, an event name and fields. Out: one ``logging`` record that carries the event name
and the fields as attributes, so that the command line can render it as text or JSON and an embedder
can filter by event. Nothing here configures logging. Tokens and payloads are never logged.
"""

from __future__ import annotations

import logging

__all__ = ["fields_of", "log_event"]

_RESERVED = "userproxy_fields"

FieldValue = str | int | float | bool | None


def log_event(logger: logging.Logger, level: int, event: str, /, **fields: FieldValue) -> None:
    """Log ``event`` with its ``fields``; costs one level check when nobody listens at ``level``."""
    if logger.isEnabledFor(level):
        # Rendered lazily by logging; the fields travel beside the message for structured handlers.
        logger.log(level, "%s", _Rendered(event, fields), extra={_RESERVED: {"event": event, **fields}})


def fields_of(record: logging.LogRecord) -> dict[str, FieldValue] | None:
    """The event and fields that `log_event` put into ``record``; None for any other record."""
    fields: dict[str, FieldValue] | None = getattr(record, _RESERVED, None)
    return fields


class _Rendered:
    """The text form of an event: its name, then ``key=value`` pairs, quoted where they hold blanks."""

    __slots__ = ("_event", "_fields")

    def __init__(self, event: str, fields: dict[str, FieldValue]) -> None:
        self._event = event
        self._fields = fields

    def __str__(self) -> str:
        parts = [self._event]
        for key, value in self._fields.items():
            text = "null" if value is None else str(value)
            # repr() escapes line breaks, so one event is always one line.
            parts.append(f"{key}={text if text.isprintable() and text and ' ' not in text else repr(text)}")
        return " ".join(parts)
