"""How connections are opened before the start, and how often their time-outs are looked at."""

from __future__ import annotations

import pytest

from userproxy.load.generator import opening_gap_ns, swept_at_once
from userproxy.load.plan import Plan
from userproxy.load.targets import parse_target

MS = 1_000_000
TARGET = parse_target("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("connections", "rate", "gap_ms"),
    [
        pytest.param(10, 100.0, 10, id="few"),
        pytest.param(1000, 100.0, 0.5, id="many share half a second"),
        pytest.param(10, None, 0, id="closed loop"),
    ],
)
def test_connections_are_staggered_in_open_loop(connections: int, rate: float | None, gap_ms: float) -> None:
    assert opening_gap_ns(Plan(TARGET, connections, rate)) == gap_ms * MS


@pytest.mark.parametrize(("duration_s", "step_s"), [(10.0, 1), (3599.0, 1), (7 * 86400.0, 169)])
def test_the_time_line_stays_bounded(duration_s: float, step_s: int) -> None:
    assert Plan(TARGET, duration_s=duration_s).step_s == step_s


@pytest.mark.parametrize(
    ("connections", "timeout_s", "at_once"),
    [
        pytest.param(64, 10.0, 1000, id="all of a few"),
        pytest.param(60_000, 10.0, 6000, id="a tenth of many, ten times in a time-out"),
        pytest.param(60_000, 0.5, 60_000, id="all of many when the time-out is short"),
    ],
)
def test_time_outs_of_many_connections_are_looked_at_in_turns(
    connections: int, timeout_s: float, at_once: int
) -> None:
    assert swept_at_once(Plan(TARGET, connections, timeout_s=timeout_s)) == at_once
