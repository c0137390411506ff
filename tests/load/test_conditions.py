"""Conditions: what they may say, and what they say of a result."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.load.results import MS, result
from userproxy.errors import ConfigError
from userproxy.load.conditions import parse_condition

FOUND = result(latencies_ms=[10] * 98 + [30, 40], due=200, errors={"timeout": 3, "lost": 1})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p50>9ms", True),
        ("p50>11ms", False),
        ("p99>20ms", True),
        ("p99<31ms", True),
        (" p99.9 >= 39ms ", True),
        ("p100<=40ms", False),  # stated as the top of its bucket, never too low
        ("max<40.1ms", True),
        ("min>=9.9ms", True),
        ("mean>10ms", True),
        ("mean>11ms", False),
        ("service.p50<6ms", True),
        ("service.p99>20ms", False),
        ("connect.max>1ms", True),
        ("errors>0", True),
        ("errors>=4", True),
        ("errors>4", False),
        ("errors>1.9%", True),
        ("errors>2%", False),
        ("lost>0", True),
        ("lost<=0.5%", True),
        ("not_sent>0", True),
        ("not_sent>48%", False),
        ("late>0", False),
        ("duplicates>0", False),
        ("throughput<11", True),
        ("answered>=100", True),
    ],
)
def test_a_condition_on_a_result(text: str, holds: bool) -> None:
    assert parse_condition(text, "--fail-if").holds(FOUND) is holds


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "must be a measure"),
        ("p99", "must be a measure"),
        ("p99=20ms", "must be a measure"),
        ("p99 > 20 ms", "must be a measure"),
        ("p99>20", "not a duration"),
        ("p99>-1ms", "not a duration"),
        ("p99>1%", "not a duration"),
        ("p101>1ms", "p101 is not known"),
        ("latency>1ms", "latency is not known"),
        ("service>1ms", "service is not known"),
        ("errors>1ms", "1ms is no number for errors"),
        ("throughput>1%", "1% is no number for throughput"),
        ("errors>nan", "nan is no number for errors"),
    ],
)
def test_an_odd_condition_is_refused_in_one_line(text: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"^--fail-if ") as refused:
        parse_condition(text, "--fail-if")
    assert wrong in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=20))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        condition = parse_condition(text, "--fail-if")
    except ConfigError:
        return
    assert condition.holds(FOUND) in (True, False)


def test_without_an_answer_no_percentile_holds() -> None:
    empty = result(latencies_ms=[])
    for text in ("p99>0ms", "p99<1h"):
        condition = parse_condition(text, "--fail-if")
        assert not condition.holds(empty)
        assert condition.shown(empty) == "p99 has no value"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("p50>1ms", "p50 is 10.0 ms"), ("errors>0", "errors is 4"), ("errors>0%", "errors is 2 %")],
)
def test_what_was_found_is_said(text: str, shown: str) -> None:
    assert parse_condition(text, "--fail-if").shown(FOUND) == shown


def test_the_unit_is_nanoseconds() -> None:
    assert parse_condition("p99>1.5ms", "--fail-if").value == 1.5 * MS
