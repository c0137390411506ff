"""Frames come out as they went in, wherever the bytes between were cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.errors import WorkerError
from userproxy.workers.framing import MOST_DESCRIPTORS, MOST_PAYLOAD_BYTES, Decoder, frame

FRAMES = st.lists(st.tuples(st.binary(max_size=40), st.integers(0, MOST_DESCRIPTORS)), max_size=8)


@given(FRAMES, st.lists(st.integers(1, 30), min_size=1))
def test_cuts_do_not_matter(frames: list[tuple[bytes, int]], sizes: list[int]) -> None:
    stream = b"".join(frame(payload, descriptors) for payload, descriptors in frames)
    found: list[tuple[bytes, int]] = []
    decoder, place, turn = Decoder(), 0, 0
    while place < len(stream):
        size = sizes[turn % len(sizes)]
        found += decoder.feed(stream[place : place + size])
        place += size
        turn += 1
    assert found == frames


@pytest.mark.parametrize(
    "header",
    [b"\xff\xff\xff\xff\x00", b"\x00\x00\x00\x01\xff", b"HTTP/1.1 400"],
    ids=["a length of 4 GiB", "255 descriptors", "another protocol"],
)
def test_nonsense_is_an_error_before_it_takes_memory(header: bytes) -> None:
    with pytest.raises(WorkerError, match="not our protocol"):
        list(Decoder().feed(header))


def test_what_the_other_side_would_refuse_is_not_sent() -> None:
    with pytest.raises(WorkerError):
        frame(b"", MOST_DESCRIPTORS + 1)
    with pytest.raises(WorkerError):
        frame(bytes(MOST_PAYLOAD_BYTES + 1))
