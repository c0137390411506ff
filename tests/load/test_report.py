"""What people read: durations, counts, percentiles, the time line and its marks, and the verdict."""

from __future__ import annotations

import pytest

from tests.load.results import MS, result
from userproxy.load.conditions import parse_condition
from userproxy.load.durations import shown
from userproxy.load.marks import Mark
from userproxy.load.report import report
from userproxy.load.result import Result
from userproxy.load.tally import Second
from userproxy.load.time_line import live_line, time_line
from userproxy.load.verdict import failures, limit


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (None, "-"),
        (0, "0 ns"),
        (999, "999 ns"),
        (1000, "1.00 us"),
        (12_345, "12.3 us"),
        (123_456, "123 us"),
        (999_900, "1.00 ms"),
        (9_996_000, "10.0 ms"),
        (99_960_000, "100 ms"),
        (1_500_000_000, "1.50 s"),
    ],
)
def test_durations_have_three_digits(value_ns: float | None, text: str) -> None:
    assert shown(value_ns) == text


def lines(text: str) -> dict[str, str]:
    """By their first two words."""
    return {line[:11].strip(): line[11:].strip() for line in text.splitlines()}


def test_open_loop_counts_what_was_late_and_not_sent() -> None:
    found = result(latencies_ms=[1.0] * 90, due=100)
    found.window.late_for_target, found.window.late_by_generator = 3, 4
    rows = lines(report(found))
    assert rows["due"] == "100"
    assert rows["sent"] == "90  90.00 % of the rate"
    assert rows["not sent"] == "10"
    assert rows["late"] == (
        "7  by more than 1 ms: 3 as all connections were waiting, 4 by this load generator"
    )
    assert rows["answered"] == "90  9.0 a second"


def test_latency_from_the_intended_start_and_service_time_stand_side_by_side() -> None:
    text = report(result(latencies_ms=[2.0] * 100))
    intended, service, connect = (
        next(line for line in text.splitlines() if line.startswith(start))
        for start in ("from intended start", "service time", "connect")
    )
    assert intended.split()[3:5] == ["2.00", "ms"]
    assert service.split()[2:4] == ["1.00", "ms"]
    assert connect.split()[-1] == "1"


def test_closed_loop_has_no_intended_start() -> None:
    found = result(loop="closed")
    assert "with connecting" in report(found)
    found.window.service = found.window.latency
    text = report(found)
    assert "with connecting" not in text
    assert "intended" not in text
    assert "not sent" not in text


def test_errors_and_names_by_count() -> None:
    found = result(errors={"timeout": 2, "status 503": 5})
    found.not_opened = {"connect: connection refused": 3}
    found.window.names = {"one": 1, "two": 2}
    text = report(found)
    assert text.index("5  status 503") < text.index("3  connect: connection refused (before the start)")
    assert text.index("(before the start)") < text.index("2  timeout")
    assert text.index("2  two") < text.index("1  one")


def test_what_became_of_datagrams() -> None:
    found = result(latencies_ms=[1.0] * 95, errors={"lost": 5})
    found.url = "udp://127.0.0.1:9"
    found.window.duplicates, found.window.reordered = 1, 2
    found.window.answered_too_late, found.window.corrupt = 3, 4
    rows = lines(report(found))
    assert rows["lost"] == "5  5.000 %, of which 3 came too late"
    assert (rows["duplicate"], rows["reordered"], rows["corrupt"]) == ("1", "2", "4")


def second(answered: int, latency_ms: int = 1, failed: int = 0) -> Second:
    made = Second(answered, failed)
    if answered:
        made.latency.record(latency_ms * MS, answered)
    return made


def test_marks_stand_where_they_happened() -> None:
    found = result()
    found.seconds = [second(100), second(50, 20, 3), second(100), second(0)]
    found.marks = [
        Mark(found.began_s + 1.3, "route_changed", "generation=2"),
        Mark(found.began_s + 9.9, "watch_lost", ""),
    ]
    rows = time_line(found).splitlines()
    assert [row.split()[0] for row in rows] == ["second", "0", "1", "route_changed", "2", "watch_lost"]
    assert rows[3] == "  route_changed at 1.3 s  generation=2"
    assert rows[2].split() == ["1", "50", "3", "20.2", "ms", "20.2", "ms", "##########"]


def test_marks_are_shown_though_nothing_was_answered() -> None:
    found = result()
    found.marks = [Mark(found.began_s + 0.2, "watch_lost", "")]
    assert time_line(found).splitlines()[1:] == ["  watch_lost at 0.2 s"]
    found.marks = []
    assert time_line(found) == ""


def test_a_long_time_line_is_drawn_together() -> None:
    found = result()
    found.seconds = [second(1)] * 100
    rows = time_line(found).splitlines()[1:]
    assert len(rows) <= 30
    assert sum(int(row.split()[1]) for row in rows) == 100


def test_the_time_line_of_a_run_of_hours_has_longer_steps() -> None:
    found = result()
    found.step_s = 7
    found.seconds = [second(70), second(7)]
    found.marks = [Mark(found.began_s + 8.0, "route_changed", "")]
    rows = time_line(found).splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [["0", "70"], ["7", "7"], ["route_changed", "at"]]
    assert live_line(14, second(70), 7).startswith("14 s: 10 answered/s")


def test_the_live_line() -> None:
    assert live_line(3, second(100, 2, 1)) == "3 s: 100 answered/s, 1 errors, p50 2.02 ms, p99 2.02 ms"
    assert live_line(4, second(0)) == "4 s: 0 answered/s, 0 errors, p50 -, p99 -"


def late(found: Result, *, target: int = 0, generator: int = 0) -> Result:
    found.window.late_for_target, found.window.late_by_generator = target, generator
    return found


def slow(found: Result) -> Result:
    found.lag.record(50 * MS)
    return found


def dropping(found: Result) -> Result:
    found.dropped_here = 3
    return found


HUNDRED = [1.0] * 100


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(result(latencies_ms=HUNDRED), "none: the rate was held", id="nobody"),
        pytest.param(
            result(latencies_ms=HUNDRED, cpu_s=9.5),
            "this load generator was the limit; --processes",
            id="own processor time",
        ),
        pytest.param(
            result(latencies_ms=HUNDRED, waited_s=5), "none: the rate was held", id="held all the same"
        ),
        pytest.param(
            result(latencies_ms=HUNDRED, waited_s=3, due=200),
            "30 % of the time was waiting for a core",
            id="machine",
        ),
        pytest.param(slow(result(latencies_ms=HUNDRED)), "this load generator came late", id="own loop"),
        pytest.param(
            late(result(latencies_ms=HUNDRED), generator=2), "this load generator came late", id="late"
        ),
        pytest.param(
            dropping(result(latencies_ms=HUNDRED)), "3 answers were dropped at its full", id="drops"
        ),
        pytest.param(
            late(result(latencies_ms=HUNDRED), target=2), "the target was the limit: all", id="target"
        ),
        pytest.param(result(latencies_ms=HUNDRED, due=200), "the target was the limit: all", id="not sent"),
        pytest.param(
            result(latencies_ms=HUNDRED, loop="closed"), "limit, with 64 at a time", id="closed loop"
        ),
        pytest.param(result(latencies_ms=[]), "unknown: nothing was sent", id="nothing sent"),
    ],
)
def test_who_was_the_limit(found: Result, said: str) -> None:
    assert said in limit(found)


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        pytest.param(result(latencies_ms=[1.0] * 99, due=100), [], id="99 % sent"),
        pytest.param(
            result(latencies_ms=[1.0] * 989, due=1000), ["only 98.9 % of the rate was sent"], id="98.9 %"
        ),
        pytest.param(result(latencies_ms=[1.0] * 9, errors={"timeout": 1}), [], id="an error"),
        pytest.param(
            result(latencies_ms=[], errors={"timeout": 2}),
            ["gave no right answer: timeout (2)"],
            id="no answer",
        ),
        pytest.param(result(latencies_ms=[30.0]), ["p99>20ms: p99 is 30.0 ms"], id="a condition"),
    ],
)
def test_what_is_not_good(found: Result, wrong: list[str]) -> None:
    said = failures(found, [parse_condition("p99>20ms", "--fail-if")])
    assert len(said) == len(wrong)
    assert all(part in line for part, line in zip(wrong, said, strict=True))
