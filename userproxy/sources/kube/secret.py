"""Text that must not be shown: tokens, passwords, private keys, what a plugin printed."""

from __future__ import annotations

__all__ = ["Secret"]


class Secret:
    """Text that authorises. ``repr``, ``str`` and formatting show ``***``; `reveal` is for the one use."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for a header, a file in memory or a child's environment, never for a message."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "***"
