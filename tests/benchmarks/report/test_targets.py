"""Targets: met, not met, not measured."""

from __future__ import annotations

import pytest

from benchmarks.forwarding.cases import CASES
from benchmarks.forwarding.loads.base import Reading
from benchmarks.forwarding.measurement import Measurement
from benchmarks.measuring.proc import CpuTime
from benchmarks.measuring.window import Window
from benchmarks.report.results import Results
from benchmarks.report.tables import targets
from benchmarks.report.targets import TARGETS, WORKERS, Standing, standings
from tests.benchmarks.windows import CONNECTIONS, LATENCY, LOSS, results, results_of, window


def standing(found: Results, case: str, peer: str = "userproxy") -> Standing:
    """The first target of the case and peer."""
    return next(each for each in standings(found) if (each.target.case, each.target.peer) == (case, peer))


@pytest.mark.parametrize(
    ("ours", "met"),
    [
        pytest.param([10.8, 10.7, 12.0], True, id="exactly"),
        pytest.param([10.84, 10.84, 10.84], True, id="as it is printed"),
        pytest.param([10.9, 10.9, 10.7], False, id="above"),
    ],
)
def test_the_median_ratio_decides(ours: list[float], met: bool) -> None:
    found = standing(results({"userproxy": ours, "haproxy": [10.0] * 3}), "requests-64")
    assert found.target.limit == 1.08
    assert found.met is met


def test_what_was_not_measured_or_failed_is_neither() -> None:
    assert standing(results({"userproxy": [1.0]}), "requests-64").met is None
    failed = results({"userproxy": [1.0], "haproxy": [1.0]}, failed=["userproxy"])
    assert standing(failed, "requests-64").met is None
    assert "| not measured |" in targets(failed)


def test_latency_has_its_own_quantity() -> None:
    taken = [
        Measurement(LATENCY, peer, 0, Reading(window(proxy_s=0.1), 0, "", {"p50": 1.0, "p99": p99}))
        for peer, p99 in (("userproxy", 1.3), ("haproxy", 1.0))
    ]
    assert standing(results_of(taken), "latency").met is False


@pytest.mark.parametrize(
    ("ours", "theirs", "met"), [(0.0, 0.0, True), (0.01, 0.02, True), (0.01, 0.0, False)]
)
def test_loss_is_compared_even_where_there_is_none(ours: float, theirs: float, met: bool) -> None:
    taken = [
        Measurement(LOSS, peer, 0, Reading(window(proxy_s=0.1), 0, "", lost=lost))
        for peer, lost in (("userproxy", ours), ("nginx", theirs))
    ]
    found = results_of(taken)
    assert standing(found, "udp-loss").met is met
    assert f"| {ours * 100:.2f} ({ours * 100:.2f}-{ours * 100:.2f}) % | nginx {theirs * 100:.2f}" in targets(
        found
    )


@pytest.mark.parametrize(("busier_s", "met"), [(0.54, True), (0.6, False)])
def test_workers_are_compared_with_each_other(busier_s: float, met: bool) -> None:
    taken = window(proxy_s=1.1)
    parts = {"worker-1": CpuTime(busier_s, 0.0), "worker-2": CpuTime(0.0, 0.5)}
    both = Window(taken.report, {**taken.cpu, **parts}, taken.busy_s)
    assert both.others == taken.others  # workers are parts of the proxy
    found = results_of([Measurement(CONNECTIONS, WORKERS, 0, Reading(both, 0, ""))])
    assert standing(found, "connections", WORKERS).met is met
    assert f"| {busier_s / 0.5:.2f} times" in targets(found)


def test_every_target_has_its_case_and_peers() -> None:
    cases = {case.name: case for case in CASES}
    for target in TARGETS:
        assert {target.peer, target.reference or target.peer} <= set(cases[target.case].peers), target
