"""Ages, at each step from seconds to years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from userproxy.testing.api_server.presentation.ages import age

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        pytest.param(-5, "<invalid>", id="the future"),
        pytest.param(-1, "0s", id="clocks that differ a little"),
        pytest.param(0, "0s", id="now"),
        pytest.param(119, "119s", id="under two minutes"),
        pytest.param(120, "2m", id="two minutes"),
        pytest.param(125, "2m5s", id="minutes and seconds"),
        pytest.param(10 * MINUTE + 5, "10m", id="minutes"),
        pytest.param(3 * HOUR, "3h", id="hours"),
        pytest.param(3 * HOUR + 5 * MINUTE, "3h5m", id="hours and minutes"),
        pytest.param(8 * HOUR + 5 * MINUTE, "8h", id="eight hours"),
        pytest.param(47 * HOUR, "47h", id="under two days"),
        pytest.param(2 * DAY, "2d", id="two days"),
        pytest.param(2 * DAY + 4 * HOUR, "2d4h", id="days and hours"),
        pytest.param(9 * DAY + 4 * HOUR, "9d", id="days"),
        pytest.param(2 * YEAR + 3 * DAY, "2y3d", id="years and days"),
        pytest.param(9 * YEAR + 3 * DAY, "9y", id="years"),
    ],
)
def test_ages(seconds: int, shown: str) -> None:
    then = (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    assert age(then, NOW) == shown


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", 7, "2026-06-01T12:00:00"])
def test_no_time_is_unknown(timestamp: object) -> None:
    assert age(timestamp, NOW) == "<unknown>"
