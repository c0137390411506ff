"""Who was the limit."""

from __future__ import annotations

import pytest

from benchmarks.forwarding.limits import limit_of
from tests.benchmarks.windows import window


@pytest.mark.parametrize(
    ("shares", "note"),
    [
        pytest.param({"proxy_s": 0.98}, "", id="the proxy, which is how it should be"),
        pytest.param({"proxy_s": 0.4}, "", id="nobody: latency of the machine's own"),
        pytest.param(
            {"proxy_s": 0.6, "load_s": 0.97}, "limited by the load generator (all of a core)", id="load"
        ),
        pytest.param(
            {"proxy_s": 0.6, "backend_s": 0.95}, "limited by the backend (all of a core)", id="backend"
        ),
        pytest.param(
            {"load_s": 0.95, "backend_s": 0.95}, "limited by the load generator and the backend", id="both"
        ),
        pytest.param({"proxy_s": 0.85, "load_s": 0.6}, "all cores busy", id="all cores with ours"),
        pytest.param({"proxy_s": 0.5, "others_s": 0.4}, "all cores busy", id="all cores with others"),
    ],
)
def test_limit(shares: dict[str, float], note: str) -> None:
    found = limit_of([window(**shares)] * 3, cores=2)  # type: ignore[arg-type]  # the keywords are all floats
    assert (note in found) if note else found == ""


def test_one_odd_round_does_not_decide() -> None:
    windows = [window(proxy_s=0.95), window(proxy_s=0.95), window(proxy_s=0.3, load_s=1.0)]
    assert limit_of(windows, cores=2) == ""
