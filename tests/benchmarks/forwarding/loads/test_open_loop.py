"""userproxy load: what it says becomes a reading."""

from __future__ import annotations

import json

import pytest

from benchmarks.actors.messages import body, token
from benchmarks.actors.remote import Backend
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.base import Timing
from benchmarks.forwarding.loads.open_loop import OpenLoop, reading
from benchmarks.forwarding.loads.program import Ran

RIGHT = body(token(0, 0)).decode()


def ran(content: object, last_words: str = "") -> Ran:
    return Ran(json.dumps(content), last_words, {}, 0.0)


def part(
    *, answered: int = 100, right: int | None = None, sent: int = 100, **errors: int
) -> dict[str, object]:
    return {
        "due": 100,
        "sent": sent,
        "answered": answered,
        "errors": errors,
        "names": {RIGHT: answered if right is None else right},
        "latency": {"percentiles_ns": {"p50": 250_000, "p99": 2_000_000}},
    }


def said(warm_up: object, window: object) -> dict[str, object]:
    return {"warm_up_s": 0.5, "duration_s": 1.5, "warm_up": warm_up, "window": window}


def test_latencies_are_those_of_the_window() -> None:
    found = reading(ran(said(part(), part())))
    assert (found.window.report.done, found.window.report.seconds) == (200, 2.0)
    assert (found.failed, found.error) == (0, "")
    assert found.latency_ms == {"p50": 0.25, "p99": 2.0}


@pytest.mark.parametrize(
    ("window", "failed", "error"),
    [
        pytest.param(part(right=97), 3, "3 wrong", id="another body"),
        pytest.param(part(answered=98, reset=2), 2, "2 reset", id="an error"),
        pytest.param(part(answered=97, sent=97), 3, "3 not sent", id="the rate was not kept"),
        pytest.param(part(answered=99, sent=99), 0, "", id="nearly all of it"),
    ],
)
def test_what_is_not_good(window: dict[str, object], failed: int, error: str) -> None:
    found = reading(ran(said(part(), window)))
    assert (found.failed, found.error) == (failed, error)


@pytest.mark.parametrize("content", [None, [], {}, {"window": {}}])
def test_no_result_is_an_error_with_its_last_words(content: object) -> None:
    with pytest.raises(BenchmarkError, match=r"^userproxy load gave no result: no such host$"):
        reading(ran(content, "no such host"))


async def test_against_the_bundled_backend() -> None:
    async with Backend() as backend:
        endpoint = await backend.open("http")
        found = await OpenLoop(200, 4).read(endpoint, {"backend": backend.pid}, Timing(0.1, 0.4))
    assert (found.failed, found.error) == (0, "")
    assert found.window.report.done == 100
    assert 0 < found.latency_ms["p50"] <= found.latency_ms["p99"]
