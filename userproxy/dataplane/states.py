"""What changed at the listeners, as log events."""

from __future__ import annotations

import logging

from userproxy.dataplane.events import port_fields
from userproxy.dataplane.intake import ListenerState
from userproxy.log import log_event
from userproxy.model.routes import RouteKey

__all__ = ["StateLog"]

logger = logging.getLogger(__name__)

_EVENTS = {
    ListenerState.LISTENING: (logging.DEBUG, "listener_opened"),
    ListenerState.HOLDING: (logging.DEBUG, "listener_opened"),
    ListenerState.REFUSING: (logging.DEBUG, "listener_refusing"),
    ListenerState.TAKEN: (logging.WARNING, "listener_taken"),
}


class StateLog:
    """Logs a listener's state when it differs from the last one seen."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[RouteKey, tuple[ListenerState, str, int | None]] = {}

    def saw(self, key: RouteKey, state: ListenerState, host: str, port: int | None, reason: str) -> None:
        """``port`` is None where no address could be bound."""
        now = (state, host, port)
        if self._last.get(key) != now and state in _EVENTS:
            self._last[key] = now
            level, event = _EVENTS[state]
            _log(level, event, key, _text(host, port), reason)

    def closed(self, key: RouteKey) -> None:
        last = self._last.pop(key, None)
        if last is not None:
            _log(logging.DEBUG, "listener_closed", key, _text(last[1], last[2]), "")


def _text(host: str, port: int | None) -> str:
    return f"[{host}]:{port or '?'}" if ":" in host else f"{host}:{port or '?'}"


def _log(level: int, event: str, key: RouteKey, listener: str, reason: str) -> None:
    log_event(
        logger, level, event, **port_fields(key), listener=listener,
        **({"message": reason} if reason else {}),
    )  # fmt: skip
