"""The defaults that rules state."""

from __future__ import annotations

import pytest

from userproxy import DialSettings, Limits, Settings, UdpSettings


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        pytest.param(DialSettings().timeouts_s, (0.25, 0.5, 1.0, 2.0), id="B4 four dials and their limits"),
        pytest.param(DialSettings().hold_retry_s, 0.25, id="L9 dials again every 250 ms"),
        pytest.param(Limits().max_held_per_service, 1024, id="L9 so many may wait"),
        pytest.param(UdpSettings().unreplied_timeout_s, 30.0, id="C4 without an answer"),
        pytest.param(UdpSettings().stream_timeout_s, 120.0, id="C4 with an answer"),
        pytest.param(Settings().min_sync_period_s, 0.0, id="R10 at once"),
        pytest.param(Settings().drain_timeout_s, 30.0, id="L6 so long may connections go on at a stop"),
    ],
)
def test_defaults_are_those_of_the_rules(value: object, stated: object) -> None:
    assert value == stated
