"""The head of an HTTP/1.1 answer, read strictly (RFC 9112): what is not plainly right is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["AnswerError", "Head", "parse_head"]

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_WITHOUT_BODY = (204, 304)


class AnswerError(Exception):
    """What came is no answer that could be counted as good; the message is its kind."""


@dataclass(frozen=True, slots=True)
class Head:
    """``length`` is that of the body in bytes; None when it is chunked, or goes on until the close."""

    status: int
    keeps: bool
    """The connection stays, as far as the server says (RFC 9112, 9.3)."""
    length: int | None
    chunked: bool
    named_by: bytes
    """The value of the field that says who answered; empty when there is none."""

    @property
    def interim(self) -> bool:
        """1xx: the answer is still to come (RFC 9110, 15.2)."""
        return self.status < 200


def parse_head(lines: bytes, who_field: bytes = b"") -> Head:
    """Of all up to the empty line, without the last line end. ``who_field`` is in lower case.

    Raises AnswerError.
    """
    first, *rest = lines.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise AnswerError("not an HTTP/1 status line")
    status = int(status_line[2])
    if status == 101:
        raise AnswerError("status 101: a protocol that nobody asked for")
    lengths: set[bytes] = set()
    codings: list[bytes] = []
    options: list[bytes] = []
    who = b""
    for line in rest:
        field = _FIELD.fullmatch(line)
        if field is None:  # a bare line feed, a folded line, a blank before the colon
            raise AnswerError("a header field that is none")
        name, value = field[1].lower(), field[2].rstrip(b" \t")
        if name == b"content-length":
            lengths.add(value)
        elif name == b"transfer-encoding":
            codings.append(value.lower())
        elif name == b"connection":
            options += (option.strip() for option in value.lower().split(b","))
        if name == who_field:
            who = value
    length, chunked = _framing(status, lengths, codings)
    # HTTP/1.0 closes unless it says otherwise; a body without an end is ended by the close.
    keeps = b"close" not in options and (status_line[1] == b"1" or b"keep-alive" in options)
    return Head(status, keeps and (chunked or length is not None), length, chunked, who)


def _framing(status: int, lengths: set[bytes], codings: list[bytes]) -> tuple[int | None, bool]:
    """(length, chunked) by RFC 9112, 6.3. Raises AnswerError where two readers could differ."""
    if codings and lengths:
        raise AnswerError("both Content-Length and Transfer-Encoding")
    if codings and codings != [b"chunked"]:
        raise AnswerError("a transfer coding other than chunked")
    if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
        raise AnswerError("a Content-Length that is no number, or several")
    if status < 200 or status in _WITHOUT_BODY:
        return 0, False
    if codings:
        return None, True
    return (int(lengths.pop()) if lengths else None), False
