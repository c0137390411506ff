"""What became of numbered datagrams: answered, lost, doubled, out of order. Pure."""

from __future__ import annotations

__all__ = ["Sequences"]


class Sequences:
    """Each flow numbers its datagrams from 0, and each is to be answered once, in that order."""

    __slots__ = ("_expected", "_missing", "_next", "answered", "doubled", "reordered", "sent")

    def __init__(self, flows: int) -> None:
        self.sent = 0
        self.answered = 0
        """Different datagrams whose answer came."""
        self.doubled = 0
        """Answers that had come already, or to what was never sent."""
        self.reordered = 0
        """Answers that came behind one to a later datagram."""
        self._next = [0] * flows
        self._expected = [0] * flows
        self._missing: set[tuple[int, int]] = set()

    def number(self, flow: int) -> int:
        """The number of the datagram that ``flow`` sends now."""
        number = self._next[flow]
        self._next[flow] = number + 1
        self.sent += 1
        return number

    def unsent(self, flow: int) -> None:
        """The last one was not sent after all."""
        self._next[flow] -= 1
        self.sent -= 1

    def came(self, flow: int, number: int) -> None:
        """An answer with that number came to ``flow``."""
        expected = self._expected[flow]
        if number == expected:
            self._expected[flow] = number + 1
            self.answered += 1
        elif expected < number < self._next[flow]:
            self._missing.update((flow, skipped) for skipped in range(expected, number))
            self._expected[flow] = number + 1
            self.answered += 1
        elif (flow, number) in self._missing:
            self._missing.discard((flow, number))
            self.reordered += 1
            self.answered += 1
        else:
            self.doubled += 1

    @property
    def unanswered(self) -> int:
        """On the way, or lost."""
        return self.sent - self.answered
