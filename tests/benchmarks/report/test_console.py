"""The report at a terminal: medians, spreads, ratios of the same round, failures, notes."""

from __future__ import annotations

from benchmarks.actors.remote import Report
from benchmarks.forwarding.loads.base import Reading
from benchmarks.forwarding.measurement import Measurement
from benchmarks.report.console import render
from tests.benchmarks.windows import BULK, LOSS, REQUESTS, measurement, results_of, window


def line(text: str, beginning: str) -> str:
    """The only line that begins so."""
    [found] = [line.strip() for line in text.splitlines() if line.strip().startswith(beginning)]
    return found


def test_medians_spreads_and_ratios_within_each_round() -> None:
    taken = [
        measurement("direct", 0, None, done=2000),
        measurement("userproxy", 0, 0.010),
        measurement("haproxy", 0, 0.008),
        measurement("direct", 1, None, done=2200),
        measurement("userproxy", 1, 0.012),
        measurement("haproxy", 1, 0.012),
        measurement("direct", 2, None, done=2100),
        measurement("userproxy", 2, 0.011),
        measurement("haproxy", 2, 0.010),
    ]
    text = render(results_of(taken))
    assert line(text, "direct").split() == ["direct", "2,100", "(2,000-2,200)", "-", "-"]
    assert line(text, "haproxy").split()[1:] == ["1,000", "(1,000-1,000)", "10.00", "(8.00-12.00)", "-"]
    cells = line(text, "userproxy").split()
    assert cells[3:] == ["11.00", "(10.00-12.00)", "1.10", "(1.00-1.25)"]
    assert "medians of 3 rounds" in text
    assert "CPU per request, us" in text


def test_a_case_whose_bytes_do_not_check_is_failed_and_not_fast() -> None:
    taken = [
        measurement("userproxy", 0, 0.001),
        measurement("userproxy", 1, 0.001, failed=2, error="b'x' is no answer"),
        measurement("haproxy", 0, 0.001),
        measurement("haproxy", 1, 0.001),
    ]
    text = render(results_of(taken))
    assert line(text, "userproxy  ").split() == ["userproxy", "FAILED", "-", "-"]
    assert line(text, "userproxy: ") == "userproxy: 2 failed; b'x' is no answer"
    assert not taken[1].good


def test_nothing_done_is_failed() -> None:
    idle = measurement("userproxy", 0, 0.0, done=0)
    assert not idle.good
    assert "nothing was done" in render(results_of([idle]))


def test_a_reference_that_failed_gives_no_ratio() -> None:
    taken = [measurement("userproxy", 0, 0.01), measurement("haproxy", 0, 0.01, failed=1)]
    assert line(render(results_of(taken)), "userproxy").split()[-1] == "-"


def test_bulk_is_told_in_gigabytes_and_seconds() -> None:
    taken = window(done=0, size=2_000_000_000, proxy_s=0.5)
    one = Measurement(BULK, "userproxy", 0, Reading(taken, 0, ""))
    cells = line(render(results_of([one])), "userproxy").split()
    assert cells[1:] == ["2.00", "(2.00-2.00)", "0.250", "(0.250-0.250)", "-"]


def test_latencies_and_losses_have_columns_where_they_were_measured() -> None:
    reading = Reading(window(proxy_s=0.01), 0, "", {"p50": 0.5, "p99": 2.25}, lost=0.0125)
    text = render(results_of([Measurement(LOSS, "nginx", 0, reading)]))
    assert line(text, "nginx").endswith("-  0.50 (0.50-0.50)  2.25 (2.25-2.25)  1.25 (1.25-1.25)")
    assert line(text, "peer").split()[-6:] == ["p50,", "ms", "p99,", "ms", "lost,", "%"]


def test_what_is_missing_and_what_else_ran_is_said() -> None:
    taken = [measurement("userproxy", 0, 0.95, others_s=0.4)]
    text = render(results_of(taken, {"haproxy": "not installed (how)"}))
    assert line(text, "haproxy:") == "haproxy: not installed (how)"
    assert "other processes of this machine took 0.4 of" in text


def test_who_was_the_limit_is_said_beside_the_case() -> None:
    taken = [Measurement(REQUESTS, "direct", 0, Reading(window(load_s=0.97), 0, ""))]
    assert line(render(results_of(taken)), "direct:").startswith("direct: limited by the load generator")


def test_reports_are_differences() -> None:
    first = Report(1.0, 10, 1, 100, "before")
    assert Report(3.0, 50, 1, 400, "before").since(first) == Report(2.0, 40, 0, 300, "")
    assert Report(3.0, 50, 2, 400, "now").since(first).error == "now"
