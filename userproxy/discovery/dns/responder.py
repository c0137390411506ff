"""From the bytes of a query to the bytes of its answer (RFC 1035, section 4; RFC 6891)."""

from __future__ import annotations

import struct

from dns.exception import DNSException
from dns.flags import AA, DO, QR, RA, RD, TC
from dns.message import Message, from_wire, make_query, make_response
from dns.opcode import QUERY
from dns.rcode import BADVERS, FORMERR, NOTIMP, REFUSED, SERVFAIL, Rcode
from dns.rdataclass import IN
from dns.rdatatype import AXFR, IXFR

from userproxy.discovery.dns.outside import Outside
from userproxy.discovery.dns.zones import Zones

__all__ = ["Responder"]

MOST_UDP_BYTES = 1232
"""No datagram of ours is longer (DNS flag day 2020)."""
LEAST_UDP_BYTES = 512
"""What every client takes (RFC 1035, 4.2.1)."""
MOST_TCP_BYTES = 65535
LEAST_RECORD_BYTES = 16
"""A name that points elsewhere, ten octets, and the data, which is an IPv4 address or longer here."""
_HEADER = struct.Struct("!HHHHHH")
_OPCODE_MASK = 0x7800
_OPCODE_SHIFT = 11


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
            return _refusal(wire, NOTIMP)
        if questions != 1:
            return _refusal(wire, FORMERR)
        try:
            query = from_wire(wire, keyring=False)
        except DNSException:
            return _refusal(wire, FORMERR)
        limit = MOST_TCP_BYTES
        if udp:
            limit = max(LEAST_UDP_BYTES, min(query.payload, MOST_UDP_BYTES))
        response = make_response(query, our_payload=MOST_UDP_BYTES)
        response.ednsflags |= query.ednsflags & DO
        elsewhere = self._answer(query, response)
        if elsewhere is None:
            if sum(map(len, response.answer)) * LEAST_RECORD_BYTES > limit:
                # Found out without writing it: a thousand endpoints would take 10 ms.
                response.flags |= TC
                response.answer.clear()
                response.additional.clear()
            return response.to_wire(max_size=limit, prefer_truncation=True)
        return Outside(wire if elsewhere is query else elsewhere.to_wire(), response, limit)

    def _answer(self, query: Message, response: Message) -> Message | None:
        """Fill in ``response``; what is to be asked elsewhere for the rest of it."""
        response.flags |= self._recursion
        [question] = query.question
        if query.edns > 0:
            response.set_rcode(BADVERS)
        elif question.rdclass != IN or question.rdtype in (AXFR, IXFR):
            response.set_rcode(REFUSED)
        elif (answer := self._zones.answer(question.name, question.rdtype)) is None:
            if self._forwards:
                return query
            response.set_rcode(REFUSED)
        elif not self.synced:
            response.set_rcode(SERVFAIL)
        else:
            response.flags |= AA
            response.set_rcode(answer.rcode)
            response.answer.extend(answer.answer)
            response.authority.extend(answer.authority)
            response.additional.extend(answer.additional)
            if self._forwards and answer.outside is not None:
                return make_query(answer.outside, question.rdtype, use_edns=0, payload=MOST_UDP_BYTES)
        return None


def _refusal(query: bytes, rcode: Rcode) -> bytes:
    """The header alone that tells the sender of ``query`` so, as there is no question that could be read."""
    number, flags, *_ = _HEADER.unpack_from(query)
    return _HEADER.pack(number, QR | flags & (_OPCODE_MASK | RD) | rcode, 0, 0, 0, 0)
