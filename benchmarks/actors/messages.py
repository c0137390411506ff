"""What clients and backends say to each other: HTTP/1.1 requests that carry a token, and a pattern in bulk.

A request is a plain GET (RFC 9112) whose path is a token of eight bytes; the answer's body of 37 bytes begins
with that token, so that an answer which reached the wrong client, or came twice, is noticed.
"""

from __future__ import annotations

from random import Random

__all__ = [
    "ANSWER_HEAD",
    "BODY_BYTES",
    "BULK_BYTES",
    "CLOSING_HEAD",
    "PATTERN",
    "PERIOD",
    "TOKEN_BYTES",
    "answer",
    "body",
    "request",
    "token",
]

TOKEN_BYTES = 8
BODY_BYTES = 37
ANSWER_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES
CLOSING_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % BODY_BYTES
_FILLER = b"." * (BODY_BYTES - TOKEN_BYTES)
_CLIENT_REQUESTS = 100_000

BULK_BYTES = 256 * 1024
"""Written and read at once in bulk."""
PERIOD = 1_000_003
"""The pattern repeats after so many bytes: a prime, so that no block that is lost or swapped fits again."""
PATTERN = (lambda once: once + once[:BULK_BYTES])(Random(1).randbytes(PERIOD))
"""One period, and as much again as one write takes."""


def token(client: int, number: int) -> bytes:
    """Names request ``number`` of ``client`` (below 1,000)."""
    return b"%03d%05d" % (client, number % _CLIENT_REQUESTS)


def request(name: bytes, *, closes: bool) -> bytes:
    """``closes``: the backend shall close the connection behind its answer."""
    ending = b"\r\nConnection: close\r\n\r\n" if closes else b"\r\n\r\n"
    return b"GET /%b HTTP/1.1\r\nHost: web%b" % (name, ending)


def body(name: bytes) -> bytes:
    return name + _FILLER


def answer(name: bytes, *, closes: bool) -> bytes:
    return (CLOSING_HEAD if closes else ANSWER_HEAD) + name + _FILLER
