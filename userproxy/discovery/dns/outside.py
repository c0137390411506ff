"""Questions that are somebody else's to answer, and what clients are told of them."""

from __future__ import annotations

from dataclasses import dataclass

from dns.exception import DNSException
from dns.flags import QR, TC
from dns.message import Message, from_wire
from dns.rcode import NOERROR, SERVFAIL

__all__ = ["Outside"]

_ID_BYTES = 2


@dataclass(frozen=True, slots=True)
class Outside:
    """One client's query, as far as it could be answered here."""

    query: bytes
    """What to ask elsewhere; its id is not to be used."""
    response: Message
    """What the client gets, with the aliases that lead out, if it asked for a name of ours."""
    most_bytes: int
    """How long the answer may be for this client."""

    def is_answered_by(self, answer: bytes) -> bool:
        """Whether that is an answer, and to this very question (RFC 5452, 9.1). Ids are not looked at."""
        try:
            asked = from_wire(self.query, question_only=True, keyring=False)
            found = from_wire(answer, question_only=True, keyring=False)
        except DNSException:
            return False
        if not found.flags & QR:
            return False
        return asked.question == found.question or (not found.question and found.rcode() != NOERROR)

    def completed(self, answer: bytes) -> bytes:
        """What the client gets when that is the answer to `query`."""
        if self.response.answer:
            return self._joined(answer)
        if len(answer) > self.most_bytes:
            self.response.flags |= TC
            return self._wire()
        return self.response.id.to_bytes(_ID_BYTES, "big") + answer[_ID_BYTES:]

    def failed(self) -> bytes:
        """What the client gets when there is no answer."""
        self.response.set_rcode(SERVFAIL)
        return self._wire()

    def _joined(self, answer: bytes) -> bytes:
        """What an alias of ours leads to, behind that alias."""
        try:
            found = from_wire(answer, keyring=False)
        except DNSException:
            return self.failed()
        self.response.answer.extend(found.answer)
        self.response.authority.extend(found.authority)
        self.response.set_rcode(found.rcode())
        return self._wire()

    def _wire(self) -> bytes:
        return self.response.to_wire(max_size=self.most_bytes, prefer_truncation=True)
