"""Line framing (rule R8)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.sources.kube.failures import WrongStream
from userproxy.sources.kube.framing import MAX_LINE_BYTES, LineFramer


def framed(chunks: Iterable[bytes], max_line_bytes: int = MAX_LINE_BYTES) -> tuple[list[bytes], str]:
    """The lines, and what is left at the end, or "too long"."""
    framer = LineFramer(max_line_bytes)
    lines: list[bytes] = []
    try:
        for chunk in chunks:
            for line in framer.feed(chunk):
                lines.append(line)  # noqa: PERF402  extend() would lose the lines before an error
    except WrongStream:
        return lines, "too long"
    return lines, framer.rest().decode()


@pytest.mark.parametrize(
    ("chunks", "lines", "end"),
    [
        pytest.param([b"a\n"], [b"a"], "", id="one line"),
        pytest.param([b"a\nb\nc\n"], [b"a", b"b", b"c"], "", id="several lines in a chunk"),
        pytest.param([b"a", b"b", b"\n"], [b"ab"], "", id="a line in several chunks"),
        pytest.param([b"a\nb", b"c\n"], [b"a", b"bc"], "", id="split within the second line"),
        pytest.param([b"\n\n \n\r\n"], [], "", id="blank lines are left out"),
        pytest.param([b"a\r\nb\r", b"\n"], [b"a", b"b"], "", id="CRLF, also split in the middle"),
        pytest.param([b"a\nb"], [b"a"], "b", id="half a line at the end"),
        pytest.param([b"a\n \r"], [b"a"], "", id="blanks at the end are no half line"),
        pytest.param([b"", b"a\n", b""], [b"a"], "", id="empty chunks"),
        pytest.param([], [], "", id="nothing"),
        pytest.param(
            ["a\u2028b\u0085c\n".encode()], ["a\u2028b\u0085c".encode()], "", id="LF alone ends a line"
        ),
    ],
)
def test_R8_lines(chunks: list[bytes], lines: list[bytes], end: str) -> None:
    assert framed(chunks) == (lines, end)


@given(
    stream=st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r\n", b" ", b"\r", b"cccccc"]), max_size=40).map(
        b"".join
    ),
    max_line_bytes=st.integers(1, 8),
    data=st.data(),
)
@settings(deadline=None, max_examples=300)
def test_R8_framing_ignores_where_chunks_split(
    stream: bytes, max_line_bytes: int, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    bounds = [0, *cuts, len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(bounds)]

    assert framed(chunks, max_line_bytes) == framed([stream], max_line_bytes)


def test_R8_a_line_may_have_32_MiB_and_no_byte_more() -> None:
    quarter = b"x" * (MAX_LINE_BYTES // 4)

    lines, end = framed([quarter] * 4 + [b"\nnext\n"])
    assert ([len(line) for line in lines], end) == ([MAX_LINE_BYTES, 4], "")

    assert framed([b"first\n"] + [quarter] * 4 + [b"x"]) == ([b"first"], "too long")


def test_R8_an_endless_line_is_given_up_before_it_is_kept() -> None:
    framer = LineFramer(max_line_bytes=10)
    with pytest.raises(WrongStream, match="longer than 10 bytes"):
        for _ in range(3):
            assert list(framer.feed(b"xxxx")) == []
