"""The report and the verdict on made-up figures."""

from __future__ import annotations

import pytest

from benchmarks.idle.mode import render
from benchmarks.idle.run import Grown


def grown(peer: str, each_bytes: int, number: int = 0) -> Grown:
    return Grown(peer, "1", number, 1000, 20_000_000, 20_000_000 + 1000 * each_bytes)


def test_medians_with_their_spread_by_peer() -> None:
    text = render([grown("userproxy", 1000), grown("haproxy", 3000), grown("userproxy", 1200, 1)])
    assert "  userproxy: 1,100 (1,000-1,200)" in text
    assert "  haproxy: 3,000 (3,000-3,000)" in text
    assert text.endswith("verdict: good")


@pytest.mark.parametrize(
    ("peer", "each_bytes", "verdict"),
    [
        pytest.param("userproxy", 4096, "good", id="just within"),
        pytest.param("userproxy-asyncio", 4097, "over 4,096 bytes: userproxy-asyncio", id="over"),
        pytest.param("nginx", 9000, "good", id="others may"),
    ],
)
def test_only_userproxy_is_judged(peer: str, each_bytes: int, verdict: str) -> None:
    assert render([grown(peer, each_bytes)]).endswith(f"verdict: {verdict}")
