"""Log records of workers, in the parent's log: an embedder sets up one place, and there is one order."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable, Mapping

from userproxy.log import fields_of, log_event
from userproxy.workers.channel import Message

__all__ = ["Forwarder", "levels_now", "set_levels", "tell"]

logger = logging.getLogger(__name__)

ROOT = "userproxy"
TOLD_BY_PARENT = "userproxy.dataplane.states"
"""What becomes of a listener is told once, by the parent, when all its workers have said the same."""
MOST_WAITING = 2000
BATCH = 100
NEVER = logging.CRITICAL + 1


class Forwarder(logging.Handler):
    """In a worker: keeps records until they are sent; counts those that it has no room for."""

    def __init__(self, filled: Callable[[], None]) -> None:
        super().__init__()
        self._filled = filled
        self._waiting: deque[list[object]] = deque()
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if len(self._waiting) >= MOST_WAITING:
                self._dropped += 1
                return
            trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
            fields = fields_of(record)
            text = "" if fields is not None else record.getMessage()
            self._waiting.append([record.name, record.levelno, record.created, text, trace, fields])
            self._filled()
        except Exception:  # as every handler: a bad record harms nobody but itself
            self.handleError(record)

    def next_message(self) -> Message | None:
        """A batch of records."""
        if not self._waiting and not self._dropped:
            return None
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        dropped, self._dropped = self._dropped, 0
        return ["logs", batch, dropped]


def levels_now() -> dict[str, int]:
    """In the parent: from which level on each of our loggers is listened to."""
    known = logging.root.manager.loggerDict
    names = [name for name in known if name == ROOT or name.startswith(f"{ROOT}.dataplane")]
    levels = {
        name: max(logging.getLogger(name).getEffectiveLevel(), logging.root.manager.disable + 1)
        for name in [ROOT, *names]
    }
    return {**levels, TOLD_BY_PARENT: NEVER}


def set_levels(levels: Mapping[str, int]) -> None:
    """In a worker: log what the parent listens to."""
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def tell(worker: int, records: list[list[object]], dropped: int) -> None:
    """In the parent: log what ``worker`` has logged."""
    for name, level, created, text, trace, fields in records:
        assert isinstance(level, int)
        assert isinstance(created, float)
        if not (target := logging.getLogger(str(name))).isEnabledFor(level):
            continue
        if isinstance(fields, dict):
            event = str(fields.pop("event"))
            log_event(target, level, event, **fields)
        else:
            suffix = f"\n{trace}" if trace else ""
            target.log(level, "worker %d: %s%s", worker, text, suffix)
    if dropped:
        log_event(logger, logging.WARNING, "records_dropped", worker=worker, count=dropped)
