"""What the error stream of a port-forward says. Pure.

Kubelets and container runtimes write plain text, or JSON with ``message`` and ``closeConnection``. There is
no code, so what counts as a connect that failed is known by the words of socat, containerd and CRI-O.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from userproxy.model.fields import is_object

__all__ = ["MAX_TEXT_BYTES", "ErrorText"]

MAX_TEXT_BYTES = 16 * 1024
"""What is longer is cut: it is for a log line."""
_LONGEST_LINE = 300
_NOTHING_DELIVERED = (
    "connection refused",  # socat, and Go's dialler in a runtime
    "failed to connect",  # containerd, CRI-O
    "pod not found",  # kubelet
    "no such pod",
    "no such container",
    "failed to find sandbox",  # containerd
    "sandbox is not running",
    "container is not running",
    "not found in store",
)
_SANDBOX_GONE = ("is not running", "is closed", "not found", "no longer running")
"""After a word about the sandbox, whose identifier stands in between."""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """One error as it was reported."""

    message: str
    """On one line, printable, of a sane length."""
    close_connection: bool = False
    """The kubelet wants the whole upgraded connection to end."""

    @classmethod
    def of(cls, raw: bytes) -> ErrorText:
        text, close_connection = raw.decode("utf-8", "replace"), False
        if raw.lstrip().startswith(b"{"):
            try:
                value: object = orjson.loads(raw)
            except orjson.JSONDecodeError:
                value = None
            if is_object(value) and isinstance(value.get("message"), str):
                text, close_connection = str(value["message"]), value.get("closeConnection") is True
        words = " ".join(text.split())
        line = "".join(character if character.isprintable() else "?" for character in words)
        return cls(line[:_LONGEST_LINE], close_connection)

    @property
    def nothing_delivered(self) -> bool:
        """It reports a connect that failed, so the pod has got no byte."""
        text = self.message.lower()
        if any(words in text for words in _NOTHING_DELIVERED):
            return True
        _, sandbox, after = text.partition("sandbox")
        return bool(sandbox) and any(words in after for words in _SANDBOX_GONE)
