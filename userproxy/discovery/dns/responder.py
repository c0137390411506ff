"""From the bytes of a query to the bytes of its answer (RFC 1035, section 4; RFC 6891)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dns.exception import DNSException
from dns.flags import AA, DO, QR, RA, RD, TC
from dns.message import Message, from_wire, make_response
from dns.opcode import QUERY
from dns.rcode import BADVERS, FORMERR, NOTIMP, REFUSED, SERVFAIL, Rcode
from dns.rdataclass import IN
from dns.rdatatype import AXFR, IXFR

from userproxy.discovery.dns.zones import Zones

__all__ = ["MOST_UDP_BYTES", "Outside", "Responder", "refusal"]

MOST_UDP_BYTES = 1232
"""No datagram of ours is longer (DNS flag day 2020)."""
LEAST_UDP_BYTES = 512
"""What every client takes (RFC 1035, 4.2.1)."""
MOST_TCP_BYTES = 65535
_HEADER = struct.Struct("!HHHHHH")
_OPCODE_MASK = 0x7800
_OPCODE_SHIFT = 11


@dataclass(frozen=True, slots=True)
class Outside:
    """A good query for a name that is not ours."""

    query: bytes
    most_bytes: int
    """How long the answer may be for this client."""


class Responder:
    """Answers of ``zones``. ``forwards``: names outside of them are somebody else's to answer."""

    def __init__(self, zones: Zones, *, forwards: bool = False) -> None:
        self._zones = zones
        self._recursion = RA if forwards else 0
        self._forwards = forwards
        self.synced = False
        """The source has said all that exists (rule R2): until then nobody is told that a name does not."""

    def respond(self, wire: bytes, *, udp: bool) -> bytes | Outside | None:
        """What to send for ``wire``; None: nothing, for it is no query."""
        if len(wire) < _HEADER.size:
            return None
        _, flags, questions, *_ = _HEADER.unpack_from(wire)
        if flags & QR:
            return None
        if flags & _OPCODE_MASK != QUERY << _OPCODE_SHIFT:
            return refusal(wire, NOTIMP)
        if questions != 1:
            return refusal(wire, FORMERR)
        try:
            query = from_wire(wire, keyring=False)
        except DNSException:
            return refusal(wire, FORMERR)
        limit = MOST_TCP_BYTES
        if udp:
            limit = max(LEAST_UDP_BYTES, min(query.payload, MOST_UDP_BYTES))
        response = self._response(query)
        if response is None:
            return Outside(wire, limit)
        return response.to_wire(max_size=limit, prefer_truncation=True)

    def _response(self, query: Message) -> Message | None:
        """None: it is for others to answer."""
        response = make_response(query, our_payload=MOST_UDP_BYTES)
        response.flags |= self._recursion
        response.ednsflags |= query.ednsflags & DO
        [question] = query.question
        if query.edns > 0:
            response.set_rcode(BADVERS)
        elif question.rdclass != IN or question.rdtype in (AXFR, IXFR):
            response.set_rcode(REFUSED)
        elif not self.synced:
            response.set_rcode(SERVFAIL)
        elif (answer := self._zones.answer(question.name, question.rdtype)) is not None:
            response.flags |= AA
            response.set_rcode(answer.rcode)
            response.answer.extend(answer.answer)
            response.authority.extend(answer.authority)
            response.additional.extend(answer.additional)
        elif self._forwards:
            return None
        else:
            response.set_rcode(REFUSED)
        return response


def refusal(query: bytes, rcode: Rcode, *, truncated: bool = False) -> bytes:
    """The header alone that tells the sender of ``query`` so; its question may not be readable."""
    number, flags, *_ = _HEADER.unpack_from(query)
    kept = flags & (_OPCODE_MASK | RD)
    return _HEADER.pack(number, QR | kept | (TC if truncated else 0) | rcode, 0, 0, 0, 0)
