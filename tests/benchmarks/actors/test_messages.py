"""Requests, answers and the pattern."""

from __future__ import annotations

import pytest

from benchmarks.actors.messages import BULK_BYTES, PATTERN, PERIOD, TOKEN_BYTES, answer, body, request, token


def test_a_token_names_client_and_request() -> None:
    assert token(7, 42) == b"00700042"
    assert len({token(client, number) for client in range(3) for number in range(3)}) == 9
    assert len(token(999, 123_456_789)) == TOKEN_BYTES


@pytest.mark.parametrize("closes", [False, True])
def test_the_answer_carries_the_token_of_its_request(closes: bool) -> None:
    asked = request(b"00000001", closes=closes)
    assert asked.startswith(b"GET /00000001 HTTP/1.1\r\n")
    assert asked.endswith(b"\r\n\r\n")
    said = answer(b"00000001", closes=closes)
    head, _, content = said.partition(b"\r\n\r\n")
    assert content == body(b"00000001")
    assert content.startswith(b"00000001")
    assert b"Content-Length: %d" % len(content) in head
    for text in (asked, said):
        assert (b"Connection: close" in text) is closes


def test_one_write_fits_behind_every_place_of_the_pattern() -> None:
    last = PERIOD - 1
    assert len(PATTERN[last : last + BULK_BYTES]) == BULK_BYTES
    assert PATTERN[PERIOD:] == PATTERN[:BULK_BYTES]
