"""Blocks in a hosts file: what is outside of them stays, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userproxy.discovery.hosts_block import BrokenBlock, names_in, with_block, without_blocks
from userproxy.discovery.run_mark import RunMark

A, B, C = (RunMark(number, 5, 4026531836, "0123abcd") for number in (1, 2, 3))
LINES = ("127.1.0.1\tweb.shop", "127.1.0.2\tdb.shop")
CONTENTS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"127.0.0.1 localhost\n", id="plain"),
    pytest.param(b"127.0.0.1 localhost", id="without an end"),
    pytest.param(b"127.0.0.1 localhost\r\n::1 localhost\r\n", id="CRLF"),
    pytest.param(b"127.0.0.1 localhost\r\n::1 localhost", id="CRLF without an end"),
    pytest.param(b"127.0.0.1 localhost\r", id="only CR"),
    pytest.param(b"a\nb\r", id="CR at the end"),
    pytest.param(b"127.0.0.1 caf\xe9\n# \xff\xfe\n", id="no UTF-8"),
    pytest.param(b"\n\n\n", id="empty lines"),
    pytest.param(b"# BEGIN userproxy\n# END of it\n", id="a comment like ours"),
]


def without(content: bytes, *marks: RunMark) -> bytes:
    return without_blocks(content, lambda mark: mark in marks)


def test_the_block_is_the_last_and_says_whose_it_is() -> None:
    assert with_block(b"127.0.0.1 localhost\n", A, LINES) == (
        b"127.0.0.1 localhost\n"
        b"# BEGIN userproxy 1-5-4026531836-0123abcd: kept by a running userproxy, which takes it away at its"
        b" end\n"
        b"127.1.0.1\tweb.shop\n"
        b"127.1.0.2\tdb.shop\n"
        b"# END userproxy 1-5-4026531836-0123abcd\n"
    )


@pytest.mark.parametrize("content", CONTENTS)
def test_what_was_there_is_there_again(content: bytes) -> None:
    block = with_block(content, A, LINES)
    assert block.startswith(content)
    assert without(block, A) == content


@pytest.mark.parametrize("content", CONTENTS)
def test_several_runs_have_a_block_each_and_go_in_any_order(content: bytes) -> None:
    three = with_block(with_block(with_block(content, A, LINES), B, LINES), C, LINES)
    assert without(three, A, B, C) == content
    assert without(without(without(three, A), B), C) == content
    assert without(without(without(three, C), A), B) == content
    assert without(without(three, B), A, C) == content
    assert three.count(b": kept by ") == 3
    assert without(three, A).count(b": kept by ") == 2


def test_line_ends_are_those_of_the_file() -> None:
    block = with_block(b"127.0.0.1 localhost\r\n", A, LINES)
    assert block.count(b"\n") == block.count(b"\r\n")


def test_what_somebody_wrote_behind_the_block_stays() -> None:
    block = with_block(b"127.0.0.1 localhost", A, LINES) + b"10.0.0.1 mine"
    assert without(block, A) == b"127.0.0.1 localhost\n10.0.0.1 mine"


def test_an_editor_that_takes_the_last_line_end_breaks_nothing() -> None:
    block = with_block(b"127.0.0.1 localhost\n", A, LINES).removesuffix(b"\n")
    assert without(block, A) == b"127.0.0.1 localhost\n"
    again = with_block(block, B, LINES)
    assert without(again, B) == block


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x\n# BEGIN userproxy 1-5-4-0123abcd: kept\n127.1.0.1 a\n", "line 2 begins a block"),
        (b"# END userproxy 1-5-4-0123abcd\n", "line 1 ends a block"),
        (b"# BEGIN userproxy 1\n# BEGIN userproxy 2\n# END userproxy 2\n", "line 1 begins a block"),
        (b"# BEGIN userproxy 1\n# END userproxy 2\n", "line 2 ends a block"),
        (b"# BEGIN userproxy 1\n# END userproxy 1\n# END userproxy 1\n", "line 3 ends a block"),
        (b"a\n# BEGIN userproxy 1", "line 2 begins a block"),
    ],
)
def test_a_broken_block_is_a_clear_problem(content: bytes, says: str) -> None:
    with pytest.raises(BrokenBlock, match=says):
        without(content, A)
    with pytest.raises(BrokenBlock, match=says):
        with_block(content, A, LINES)
    with pytest.raises(BrokenBlock, match=says):
        names_in(content)


def test_a_block_of_no_run_is_nobodys_to_take_away() -> None:
    content = b"# BEGIN userproxy 123\n# END userproxy 123\n"
    assert without_blocks(content, lambda _: True) == content


def test_names_outside_of_blocks() -> None:
    content = with_block(b"127.0.0.1 localhost  LOCAL # web.shop\n\n# ::1 no\n10.0.0.1\n", A, LINES)
    assert names_in(content + b"10.0.0.2 mine\n") == {"localhost", "local", "mine"}


@given(
    st.binary(max_size=60).filter(lambda content: b"userproxy" not in content),
    st.permutations([A, B, C]),
    st.binary(max_size=20).filter(lambda content: b"userproxy" not in content),
)
def test_any_content_is_the_same_after_any_runs(content: bytes, order: list[RunMark], more: bytes) -> None:
    file = content
    for mark in (A, B, C):
        file = with_block(file, mark, LINES)
    for mark in order:
        file = without(file, mark)
    assert file == content
    appended = with_block(content, A, LINES) + more
    rest = without(appended, A)
    assert rest.startswith(content)
    assert rest.endswith(more)
    assert len(rest) - len(content) - len(more) in (0, 1, 2), "a line end may stay between them"
