"""Messages: what is answered, what is refused and how, sizes, and nonsense."""

from __future__ import annotations

import struct

import pytest
from dns.flags import AA, CD, DO, QR, RA, RD, TC
from dns.message import from_wire, make_query
from dns.opcode import NOTIFY, STATUS, UPDATE
from dns.rdataclass import ANY as ANY_CLASS
from dns.rdataclass import CHAOS
from dns.update import UpdateMessage
from hypothesis import example, given
from hypothesis import strategies as st

from tests.discovery.dns.served import ask, directory, lines, query, responder, status
from tests.discovery.objects import snapshot
from userproxy.discovery.dns.outside import Outside
from userproxy.discovery.dns.responder import Responder

WEB = "web.shop.svc.cluster.local."
HEADER_BYTES = 12
ENDPOINTS = 120
MANY = [snapshot(f"shop/db-{n}.db", 5432, port_name="pg", address=f"127.3.0.{n}") for n in range(ENDPOINTS)]


def said(wire: bytes, of: Responder | None = None, *, udp: bool = True) -> bytes:
    response = (of or responder()).respond(wire, udp=udp)
    assert isinstance(response, bytes)
    return response


def test_id_question_and_rd_come_back_and_nothing_else_of_the_flags() -> None:
    asked = query(WEB)
    asked.flags |= RD | CD | AA | RA | TC
    answer = from_wire(said(asked.to_wire()))
    assert answer.id == asked.id
    assert answer.question == asked.question
    assert answer.flags & 0xFFF0 == QR | AA | RD


def test_recursion_is_offered_where_names_are_forwarded() -> None:
    assert ask(WEB, of=responder(forwards=True)).flags & RA


def test_what_is_no_query_gets_nothing() -> None:
    answer = query(WEB)
    answer.flags |= QR
    assert responder().respond(answer.to_wire(), udp=True) is None
    assert responder().respond(b"", udp=True) is None
    assert responder().respond(query(WEB).to_wire()[: HEADER_BYTES - 1], udp=False) is None


@pytest.mark.parametrize("opcode", [STATUS, NOTIFY, 3, 15])
def test_other_operations_are_not_implemented(opcode: int) -> None:
    asked = bytearray(query(WEB).to_wire())
    asked[2] = opcode << 3
    answer = from_wire(said(bytes(asked)))
    assert status(answer) == "NOTIMP"
    assert answer.opcode() == opcode
    assert status(from_wire(said(UpdateMessage("cluster.local.").to_wire()))) == "NOTIMP"
    assert UpdateMessage("cluster.local.").opcode() == UPDATE


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_zone_transfers_and_other_classes_are_refused(kind: str) -> None:
    assert status(ask("cluster.local.", kind, udp=False)) == "REFUSED"
    for other in (CHAOS, ANY_CLASS):
        asked = make_query("version.bind.", "TXT", other)
        assert status(from_wire(said(asked.to_wire()))) == "REFUSED"


def test_what_cannot_be_read_is_a_format_error_with_its_id() -> None:
    good = query(WEB).to_wire()
    for questions in (0, 2):
        bad = said(good[:4] + struct.pack("!H", questions) + good[6:])
        assert bad[:2] == good[:2]
        assert status(from_wire(bad)) == "FORMERR"
    for wire in (
        good[:-1],
        good + b"x",
        good[:HEADER_BYTES] + b"\xc0\x0c\x00\x01\x00\x01",
        query(WEB, edns=0).to_wire()[:-1],
    ):
        assert status(from_wire(said(wire))) == "FORMERR"


def test_a_later_edns_is_refused_with_the_one_that_is_spoken() -> None:
    answer = ask(WEB, edns=1)
    assert status(answer) == "BADVERS"
    assert answer.edns == 0
    assert not answer.answer


def test_edns_is_answered_with_edns_and_do_comes_back() -> None:
    assert ask(WEB).edns == -1
    asked = make_query(WEB, "A", want_dnssec=True)
    answer = from_wire(said(asked.to_wire()))
    assert (answer.edns, answer.payload) == (0, 1232)
    assert answer.ednsflags & DO
    assert not ask(WEB, edns=0).ednsflags & DO


@pytest.mark.parametrize(
    ("payload", "limit"), [(None, 512), (0, 512), (512, 512), (900, 900), (1232, 1232), (65535, 1232)]
)
def test_an_answer_over_udp_is_cut_when_the_client_does_not_take_all(payload: int | None, limit: int) -> None:
    cut = 0
    for endpoints in range(20, ENDPOINTS, 3):
        of = responder(directory(MANY[:endpoints]))
        asked = query("db.shop.svc.cluster.local.", edns=payload is not None and 0, payload=payload or 0)
        over_udp = said(asked.to_wire(), of)
        whole = said(asked.to_wire(), of, udp=False)
        assert len(lines(from_wire(whole).answer)) == endpoints
        assert len(over_udp) == len(whole) if len(whole) <= limit else len(over_udp) <= limit
        answer = from_wire(over_udp)
        assert bool(answer.flags & TC) == (len(whole) > limit)
        assert answer.edns == asked.edns
        cut += bool(answer.flags & TC)
    assert 0 < cut < ENDPOINTS // 3


def test_what_is_only_helpful_is_left_out_without_being_missed() -> None:
    few = MANY[:4]
    answer = ask("_pg._tcp.db.shop.svc.cluster.local.", "SRV", of=responder(directory(few)))
    assert not answer.flags & TC
    assert len(lines(answer.answer)) == 4
    assert len(lines(answer.additional)) == 4
    answer = ask("_pg._tcp.db.shop.svc.cluster.local.", "SRV", of=responder(directory(MANY[:9])))
    assert not answer.flags & TC
    assert len(lines(answer.answer)) == 9
    assert len(lines(answer.additional)) < 9


def test_nobody_learns_that_a_name_does_not_exist_before_all_is_known() -> None:
    of = responder()
    of.synced = False
    assert status(ask("none.shop.svc.cluster.local.", of=of)) == "SERVFAIL"
    of.synced = True
    assert status(ask("none.shop.svc.cluster.local.", of=of)) == "NXDOMAIN"


def test_names_outside_are_somebody_elses_where_there_is_somebody() -> None:
    of = responder(forwards=True)
    for edns, limit in ((False, 512), (0, 1232)):
        wire = query("example.com.", edns=edns).to_wire()
        outside = of.respond(wire, udp=True)
        assert isinstance(outside, Outside)
        assert (outside.query, outside.most_bytes) == (wire, limit)
    of.synced = False
    assert isinstance(of.respond(wire, udp=False), Outside), "others do not wait for our source"
    assert status(ask(WEB, of=of)) == "SERVFAIL"


def test_nothing_of_ours_is_ever_asked_elsewhere() -> None:
    of = responder(forwards=True)
    for name in ("none.cluster.local.", "9.9.9.127.in-addr.arpa.", "CLUSTER.LOCAL."):
        assert isinstance(of.respond(query(name).to_wire(), udp=True), bytes)


QUERY = query(WEB, edns=0).to_wire()


@given(st.binary(max_size=600))
@example(b"\0" * HEADER_BYTES)
def test_any_bytes_get_an_answer_that_can_be_read_or_nothing(wire: bytes) -> None:
    _check(wire)


@given(
    st.lists(st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)), max_size=8),
    st.binary(max_size=40),
)
def test_any_change_to_a_query_gets_an_answer_that_can_be_read_or_nothing(
    changes: list[tuple[int, int]], tail: bytes
) -> None:
    wire = bytearray(QUERY)
    for place, value in changes:
        wire[place] = value
    _check(bytes(wire) + tail)


def _check(wire: bytes) -> None:
    for udp in (True, False):
        response = responder().respond(wire, udp=udp)
        if response is None:
            assert len(wire) < HEADER_BYTES or wire[2] & 0x80
            continue
        assert isinstance(response, bytes)
        answer = from_wire(response)
        assert answer.flags & QR
        assert response[:2] == wire[:2]
        assert not udp or len(response) <= 1232
