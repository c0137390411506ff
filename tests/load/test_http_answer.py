"""Answers over HTTP/1.1: what counts as one, however the bytes are cut, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.load.http_answer import MAX_HEAD_BYTES, AnswerReader, HeadMemory
from userproxy.load.http_head import AnswerError, Head

OK = b"HTTP/1.1 200 OK\r\n"
LIMIT = 1000


def reader(who_field: str = "") -> AnswerReader:
    return AnswerReader(HeadMemory(who_field), max_body_bytes=LIMIT)


GOOD = [
    pytest.param(OK + b"Content-Length: 4\r\n\r\none\n", True, b"one\n", id="a length"),
    pytest.param(OK + b"content-length:4 \r\n\r\none\n", True, b"one\n", id="small letters and blanks"),
    pytest.param(
        OK + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\none\n", True, b"one\n", id="twice the same"
    ),
    pytest.param(OK + b"Content-Length: 0\r\n\r\n", True, b"", id="no body"),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", True, b"", id="204 has no body"),
    pytest.param(b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", True, b"x", id="no reason phrase"),
    pytest.param(OK + b"Connection: close\r\nContent-Length: 1\r\n\r\nx", False, b"x", id="close"),
    pytest.param(
        OK + b"Connection: x, Close\r\nContent-Length: 1\r\n\r\nx", False, b"x", id="close in a list"
    ),
    pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", False, b"x", id="HTTP/1.0 closes"),
    pytest.param(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
        True,
        b"x",
        id="HTTP/1.0 kept",
    ),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\non\r\n2\r\ne\n\r\n0\r\n\r\n",
        True,
        b"one\n",
        id="chunks",
    ),
    pytest.param(
        OK + b"Transfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", True, b"x", id="a trailer"
    ),
    pytest.param(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + OK
        + b"Content-Length: 1\r\n\r\nx",
        True,
        b"x",
        id="interim answers first",
    ),
]


@pytest.mark.parametrize(("answer", "keeps", "body"), GOOD)
def test_an_answer_in_one_piece(answer: bytes, keeps: bool, body: bytes) -> None:
    read = reader()
    for _ in range(2):  # the second one by the head that is known
        head = read.feed(answer)
        assert head is not None
        assert (head.status // 100, head.keeps, read.start) == (2, keeps, body)


@pytest.mark.parametrize(("answer", "keeps", "body"), GOOD)
@given(data=st.data())
def test_where_it_is_cut_makes_no_difference(
    answer: bytes, keeps: bool, body: bytes, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(answer) - 1), max_size=6)))
    pieces = [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    read = reader()
    heads = [read.feed(piece) for piece in pieces]
    assert heads[:-1] == [None] * (len(pieces) - 1)
    last = heads[-1]
    assert isinstance(last, Head)
    assert (last.keeps, read.start) == (keeps, body)


BAD = [
    pytest.param(b"SSH-2.0-x\r\n", "not an HTTP/1 status line", id="another protocol"),
    pytest.param(b"HTTP/1.1 2OO OK\r\n\r\n", "not an HTTP/1 status line", id="no number"),
    pytest.param(b"HTTP/2 200\r\n\r\n", "not an HTTP/1 status line", id="HTTP/2"),
    pytest.param(b"HTTP/1.1 101 x\r\n\r\n", "status 101", id="101"),
    pytest.param(OK + b"A b: c\r\n\r\n", "a header field that is none", id="a blank in a name"),
    pytest.param(OK + b"A: b\n C: d\r\n\r\n", "a header field that is none", id="a bare line feed"),
    pytest.param(OK + b"A: b\r\n c\r\n\r\n", "a header field that is none", id="a folded line"),
    pytest.param(OK + b"Content-Length: -1\r\n\r\n", "a Content-Length that is no", id="a negative length"),
    pytest.param(
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "a Content-Length", id="two lengths"
    ),
    pytest.param(
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both Content-Length and", id="both"
    ),
    pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "a transfer coding", id="gzip"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", "a chunk without a size", id="no chunk size"
    ),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", "a chunk longer", id="a long chunk"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 5000, "a line between", id="a long line"
    ),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 20000,
        "the trailer is",
        id="a long trailer",
    ),
    pytest.param(
        OK + b"A: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n", "the head is too large", id="a large head"
    ),
    pytest.param(
        b"HTTP/1.1 " + b"b" * (MAX_HEAD_BYTES + 1), "the head is too large", id="a head without end"
    ),
    pytest.param(OK + b"Content-Length: 1001\r\n\r\n", "the answer is too large", id="a large body"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n", "the answer is too large", id="a large chunk"
    ),
    pytest.param(OK + b"\r\n" + b"x" * 1001, "the answer is too large", id="a large body until the close"),
    pytest.param(OK + b"Content-Length: 1\r\n\r\nxy", "bytes behind the answer", id="more than asked for"),
    pytest.param(OK + b"Content-Length: 0\r\n\r\n" * 2, "bytes behind the answer", id="two answers"),
]


@pytest.mark.parametrize(("data", "kind"), BAD)
def test_what_is_no_answer_is_an_error_by_kind(data: bytes, kind: str) -> None:
    with pytest.raises(AnswerError, match=kind):
        reader().feed(data)


@pytest.mark.parametrize(("data", "kind"), BAD)
def test_it_is_so_also_byte_by_byte(data: bytes, kind: str) -> None:
    """What comes behind a whole answer is one only when it comes with it: later it is nobody's."""
    read = reader()
    with pytest.raises(AnswerError, match=kind):
        for position in range(len(data)):
            if read.feed(data[position : position + 1]) is not None:
                raise AnswerError("bytes behind the answer")


def test_an_answer_that_the_close_ends() -> None:
    read = reader()
    assert read.feed(OK + b"\r\nname\n") is None
    head = read.end()
    assert (head.status, head.keeps, read.start) == (200, False, b"name\n")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "closed before the answer"),
        (b"HTTP/1.1 2", "closed inside the answer"),
        (OK + b"Content-Length: 2\r\n\r\nx", "closed inside the answer"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "closed inside the answer"),
    ],
)
def test_a_close_too_early_is_an_error(data: bytes, kind: str) -> None:
    read = reader()
    if data:
        assert read.feed(data) is None
    with pytest.raises(AnswerError, match=kind):
        read.end()


def test_the_header_that_says_who_answered() -> None:
    head = reader("x-backend").feed(OK + b"X-Backend: one \r\nContent-Length: 0\r\n\r\n")
    assert head is not None
    assert head.named_by == b"one"


def test_remembered_heads_are_bounded() -> None:
    heads = HeadMemory()
    read = AnswerReader(heads, max_body_bytes=LIMIT)
    for number in range(1000):
        assert read.feed(OK + b"Date: %d\r\nContent-Length: 0\r\n\r\n" % number) is not None
    assert len(heads.known) <= 256
