"""Marks out of the proxy's log: which lines are one, and following a log that grows, is cut or replaced."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.project import DOCS
from userproxy.errors import ConfigError
from userproxy.load.event_log import LogFile
from userproxy.load.marks import MARKING_EVENTS, MAX_MARKS, Mark, parse_mark

CHANGED = (
    '{"time":"2026-11-24T09:11:46.104Z","level":"info","event":"route_changed","generation":7,"changed":1,'
    '"removed":0}'
)


def test_a_change_is_a_mark_with_its_fields() -> None:
    assert parse_mark(CHANGED) == Mark(1795511506.104, "route_changed", "generation=7 changed=1 removed=0")


def test_a_refusal_says_which_service() -> None:
    line = json.dumps(
        {
            "time": "2026-11-24T09:11:46.104Z",
            "level": "debug",
            "event": "listener_refusing",
            "namespace": "default",
            "service": "web",
            "port_name": "",
            "message": "no usable endpoint",
        }
    )
    mark = parse_mark(line)
    assert mark is not None
    assert mark.text == "namespace=default service=web message=no usable endpoint"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "text",
        "[]",
        "{}",
        '{"event":"route_changed"}',
        '{"event":"route_changed","time":"soon"}',
        '{"event":"route_changed","time":7}',
        CHANGED.replace("route_changed", "connection_closed"),
        "[" * 100_000,
    ],
)
def test_other_lines_are_no_marks(line: str) -> None:
    assert parse_mark(line) is None


@given(st.text())
def test_no_line_is_an_error(line: str) -> None:
    assert parse_mark(line) is None


def test_the_events_are_those_of_the_log() -> None:
    page = (DOCS / "logging.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) >= MARKING_EVENTS


def numbers(log: LogFile) -> list[str]:
    """The generations of its marks."""
    log.poll()
    return [mark.text.split()[0].removeprefix("generation=") for mark in log.marks]


def line(generation: int) -> str:
    return CHANGED.replace(":7,", f":{generation},") + "\n"


def test_a_log_is_followed_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line(1))
    log = LogFile(path)
    with path.open("a") as file:
        file.write(line(2) + line(3)[:20])
        file.flush()
        assert numbers(log) == ["2"]
        file.write(line(3)[20:])
        file.flush()
        assert numbers(log) == ["2", "3"]
    log.close()


def test_a_log_that_comes_later_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    assert numbers(log) == []
    (tmp_path / "log").write_text(line(1))
    assert numbers(log) == ["1"]
    log.close()


def test_a_log_that_is_cut_or_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line(1) * 3)
    log = LogFile(path)
    path.write_text(line(2))
    assert numbers(log) == ["2"]
    path.rename(tmp_path / "log.1")
    assert numbers(log) == ["2"]
    path.write_text(line(3))
    assert numbers(log) == ["2", "3"]
    log.close()


def test_marks_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogFile(path)
    path.write_text(line(1) * (MAX_MARKS + 5))
    assert len(numbers(log)) == MAX_MARKS
    log.close()


@pytest.mark.parametrize("place", ["", "no/such/folder"])
def test_what_can_never_be_a_log_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigError, match="no file, and none can come to be there"):
        LogFile(tmp_path / place)
