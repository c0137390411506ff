"""Limits out of results of other modes."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import pytest

from benchmarks.document import document
from benchmarks.errors import FileError
from benchmarks.idle.run import Grown
from benchmarks.report.limits import LIMITS, limits
from benchmarks.start.run import Start


def raw(mode: str, **values: object) -> dict[str, Any]:
    return document(mode, [mode], values)


def test_idle_connections_of_userproxy_alone() -> None:
    taken = [
        {"peer": peer, "connections": 100, "before_bytes": 1000, "after_bytes": 1000 + 100 * each}
        for peer, each in (("userproxy", 5000), ("userproxy", 4500), ("userproxy", 4000), ("nginx", 1))
    ]
    text = limits(raw("idle", measurements=taken), "idle.json")
    assert "| 4,500 bytes (4,000-5,000) | <= 4,096 bytes | no |" in text


def test_starts_by_loop_and_one_that_was_not_measured() -> None:
    text = limits(raw("start", loops={"uvloop": [{"first_byte_s": 0.25}]}), "start.json")
    assert "uvloop | 0.25 s (0.25-0.25) | <= 0.5 s | yes |" in text
    assert "asyncio | - | <= 0.5 s | not measured |" in text


def test_a_large_cluster() -> None:
    one = {
        "ratios": {"sync": 2.5, "change_cpu": 1.7},
        "changes": {"milliseconds": [1.0] * 99 + [9.0]},
        "listeners": {"listeners_s": 1.5},
    }
    text = limits(raw("scale", rounds=[one]), "scale.json")
    verdicts = [line.split("|")[4].strip() for line in text.splitlines() if "| <= " in line]
    assert verdicts == ["yes", "no", "no", "yes"]


def test_another_mode_has_none() -> None:
    with pytest.raises(FileError, match=r"^x\.json: is a result of soak; limits have idle, start, scale$"):
        limits(raw("soak"), "x.json")


@pytest.mark.parametrize("mode", LIMITS)
def test_a_damaged_result_is_refused(mode: str) -> None:
    with pytest.raises(FileError, match=r"^x\.json: is damaged"):
        limits(raw(mode), "x.json")


def test_each_mode_still_writes_what_is_read() -> None:
    idle = Grown("userproxy", "1", 0, 10, 0, 10)
    assert "| 1 bytes" in limits(raw("idle", measurements=[idle.as_json()]), "idle.json")
    start = Start(*[0.25] * len(fields(Start)))
    assert "| 0.25 s" in limits(raw("start", loops={"uvloop": [asdict(start)]}), "start.json")
