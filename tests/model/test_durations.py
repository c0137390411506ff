"""Go durations (rule K8)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.model.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("-0", 0.0),
        ("+0", 0.0),
        ("0s", 0.0),
        ("30s", 30.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        ("1μs", 1e-6),
        ("1ns", 1e-9),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("+5s", 5.0),
        ("-1.5h", -5400.0),
        ("1m5s", 65.0),
        ("5s1h", 3605.0),
        ("1s1s", 2.0),
        ("000000000000000000000000030s", 30.0),
        ("1s" * 64, 64.0),
        ("0.5ns", 0.0),
        ("0.1000000000000000000000000000001s", 0.1),
        ("2562047h47m16.854775807s", 9223372036.854775807),
    ],
)
@pytest.mark.spec("K8")
def test_K8_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", "+", "5", "5 s", " 5s", "5s ", "s", ".s", ".", "1.", "1..5s", "5S", "5d", "1mo", "1mms",
        "--5s", "5s-1s", "1e3s", "0x5s", "infs", "nan", "none", "٣s", "5s\n", "1h30", "0s" * 1000,
        "1s" * 63 + "12s",
    ],
)  # fmt: skip
@pytest.mark.spec("K8")
def test_K8_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["2562047h47m16.854775808s", "9223372036855s", "1" * 100 + "s", "3000000h"])
@pytest.mark.spec("K8")
def test_K8_more_than_64_bits_of_nanoseconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 292 years"):
        parse_duration(text)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
@settings(deadline=None)
def test_K8_parts_add_up(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    expected = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    assert parse_duration(f"{hours}h{minutes}m{seconds}s{milliseconds}ms") == pytest.approx(expected)
    assert parse_duration(f"{hours}h{minutes}m{seconds}.{milliseconds:03}s") == pytest.approx(expected)


@given(st.text("0123456789.hmnsuµ+-", max_size=12) | st.text(max_size=12))
@settings(max_examples=500, deadline=None)
def test_K8_any_text_gives_a_number_or_a_value_error(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert -9.3e9 < seconds < 9.3e9
