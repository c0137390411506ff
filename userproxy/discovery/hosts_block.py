"""Marked blocks in the bytes of a hosts file. Nothing outside of them is ever different."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from userproxy.discovery.run_mark import RunMark

__all__ = ["BrokenBlock", "names_in", "with_block", "without_blocks"]

_MARK = re.compile(
    rb"^# (BEGIN|END) userproxy ([0-9a-f-]+)( after a line without an end)?[^\r\n]*(\r?\n|\r?\Z)",
    re.MULTILINE,
)
_UNENDED = b" after a line without an end"
"""Said in a block before which the file ended in mid-line: that line break goes with the block."""


class BrokenBlock(Exception):
    """A block has no end, or no beginning; the message names the line."""


@dataclass(frozen=True, slots=True)
class _Block:
    mark: bytes
    start: int
    stop: int
    line_end: int
    """How many bytes before it are the line end that came with it."""


def with_block(content: bytes, mark: RunMark, lines: Iterable[str]) -> bytes:
    """``content`` with the block of ``mark`` at its end; it must not have one.

    Line ends are those of the file. Raises BrokenBlock.
    """
    _blocks(content)
    line_end = b"\r\n" if content.partition(b"\n")[0].endswith(b"\r") else b"\n"
    unended = bool(content) and not content.endswith(b"\n")
    text = [
        line_end if unended else b"",
        b"# BEGIN userproxy %s%s" % (str(mark).encode(), _UNENDED if unended else b""),
        b": kept by a running userproxy, which takes it away at its end",
        line_end,
        *(line.encode() + line_end for line in lines),
        b"# END userproxy %s" % str(mark).encode(),
        line_end,
    ]
    return content + b"".join(text)


def without_blocks(content: bytes, goes: Callable[[RunMark], bool]) -> bytes:
    """``content`` without the blocks of those runs. Raises BrokenBlock."""
    blocks = _blocks(content)
    for index in reversed(range(len(blocks))):
        block = blocks[index]
        mark = RunMark.parse(block.mark.decode())
        if mark is None or not goes(mark):
            continue
        before, after = content[: block.start], content[block.stop :]
        if block.line_end:
            follower = _MARK.match(after)
            if not after:
                before = before[: -block.line_end]
            elif follower and not follower[3]:
                # The next block stands behind the line without an end now.
                after = after[: follower.end(2)] + _UNENDED + after[follower.end(2) :]
        content = before + after
    return content


def names_in(content: bytes) -> frozenset[str]:
    """The names that lines outside of all blocks give an address. Raises BrokenBlock."""
    found: set[str] = set()
    start = 0
    for stop, resume in [*((block.start, block.stop) for block in _blocks(content)), (len(content), 0)]:
        for line in content[start:stop].splitlines():
            _, *names = line.partition(b"#")[0].split() or [b""]
            found.update(name.decode("ascii", "replace").lower() for name in names)
        start = resume
    return frozenset(found)


def _blocks(content: bytes) -> list[_Block]:
    """All blocks, in their order. Raises BrokenBlock."""
    return list(_found(content))


def _found(content: bytes) -> Iterator[_Block]:
    begin: re.Match[bytes] | None = None
    for mark in _MARK.finditer(content):
        if mark[1] == b"BEGIN":
            if begin is not None:
                break
            begin = mark
        elif begin is None or mark[2] != begin[2]:
            raise BrokenBlock(f"line {_line(mark)} ends a block of userproxy that does not begin")
        else:
            line_end = len(begin[4]) if begin[3] else 0
            yield _Block(begin[2], begin.start(), mark.end(), line_end)
            begin = None
    if begin is not None:
        raise BrokenBlock(f"line {_line(begin)} begins a block of userproxy that does not end")


def _line(mark: re.Match[bytes]) -> int:
    return mark.string.count(b"\n", 0, mark.start()) + 1
