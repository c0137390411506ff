"""The report: a row for each operation, a column for each size, medians with their spread."""

from __future__ import annotations

from benchmarks.pure.case import Measured
from benchmarks.pure.report import render
from benchmarks.pure.run import Taken


def lines(*measured: Measured, memory: dict[str, list[float]] | None = None) -> list[str]:
    return render(Taken(measured, memory or {})).splitlines()


def cells(found: list[str], beginning: str) -> str:
    [line] = [line.strip() for line in found if line.strip().startswith(beginning)]
    return " ".join(line.removeprefix(beginning).split())


def test_medians_and_spreads_by_size() -> None:
    found = lines(
        Measured("picks", "round-robin", 1, 0, [5.9e6, 6.1e6, 6e6]),
        Measured("picks", "round-robin", 1000, 0, [480e3, 470e3, 4.9e3]),
        Measured("picks", "consistent-hash", 1, 0, [99.5, 31.25, 6.0]),
    )
    assert "medians of 3 rounds" in found[0]
    assert cells(found, "round-robin") == "6.00M (5.90M-6.10M) 470k (4.90k-480k)"
    assert cells(found, "consistent-hash") == "31.2 (6.00-99.5)"
    assert cells(found, "1 ") == "1,000"


def test_text_has_a_speed_too() -> None:
    found = lines(Measured("decode", "Service, decoded", 1, 400, [50e3, 60e3, 40e3]))
    assert cells(found, "MB/s") == "20.0 (16.0-24.0)"


def test_what_many_services_cost_is_a_ratio_of_the_same_round() -> None:
    found = lines(
        Measured("derivation", "one slice changed", 100, 0, [20e3, 10e3, 30e3]),
        Measured("derivation", "one slice changed", 10_000, 0, [10e3, 10e3, 20e3]),
    )
    assert cells(found, "cost at 10,000 to cost at 100:") == "1.50 (1.00-2.00)"


def test_memory_is_in_kilobytes() -> None:
    found = lines(memory={"tracemalloc": [6_700.0, 6_800.0, 6_900.0], "RSS": [7_000.0] * 3})
    assert cells(found, "tracemalloc:") == "6.80 (6.70-6.90)"
    assert cells(found, "RSS:") == "7.00 (7.00-7.00)"
