"""Two results: what is compared with what, and what counts as worse."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.compare.differences import Difference, differences, warnings
from benchmarks.compare.mode import render
from benchmarks.report.results import Results
from tests.benchmarks.windows import results

BEFORE = {"userproxy": [10.0, 10.1, 9.9, 10.0, 10.0], "haproxy": [10.0] * 5}


def found(before: Results, after: Results, peer: str = "userproxy") -> Difference:
    [one] = [each for each in differences(before, after) if each.peer == peer]
    return one


def slower(factor: float, *peers: str) -> Results:
    return results(
        {peer: [cost * (factor if peer in peers else 1) for cost in costs] for peer, costs in BEFORE.items()}
    )


def test_worse_and_better() -> None:
    before = results(BEFORE)
    assert found(before, slower(1.2, "userproxy")).worse
    assert found(before, slower(0.8, "userproxy")).better
    same = found(before, results(BEFORE))
    assert not same.worse
    assert not same.better


def test_a_slower_machine_falls_out_where_the_reference_was_measured_too() -> None:
    one = found(results(BEFORE), slower(2.0, "userproxy", "haproxy"))
    assert one.basis == "CPU beside haproxy"
    assert not one.worse
    assert found(results(BEFORE), slower(2.0, "haproxy"), "haproxy").basis == "CPU"


def test_without_the_reference_in_both_the_times_are_compared() -> None:
    alone = results({"userproxy": [20.0] * 5})
    one = found(results(BEFORE), alone)
    assert one.basis == "CPU"
    assert one.worse


def test_a_new_failure_is_worse_and_an_old_one_is_not() -> None:
    good, failed = results(BEFORE), results(BEFORE, failed=["userproxy"])
    assert found(good, failed).worse
    assert found(failed, good).better
    assert not found(failed, failed).worse


def test_only_what_both_have_is_compared_and_never_a_direct_connection() -> None:
    before = results({"direct": [1.0], "userproxy": [1.0], "nginx": [1.0]})
    after = results({"direct": [1.0], "userproxy": [1.0], "streams": [1.0]})
    assert [each.peer for each in differences(before, after)] == ["userproxy"]


def test_another_machine_and_other_versions_are_warned_of() -> None:
    before = results(BEFORE)
    assert list(warnings(before, before)) == []
    other = replace(
        before,
        machine={**before.machine, "cpu": "Other CPU"},
        peers={**before.peers, "haproxy": "9.9", "userproxy": "0.2"},
    )
    assert [warning.partition(":")[0] for warning in warnings(before, other)] == [
        "another machine or software",
        "another haproxy",
    ]


def test_the_report_names_what_got_worse() -> None:
    text = render(differences(results(BEFORE), slower(1.2, "userproxy")), 5)
    assert "+20.0%" in text
    assert text.splitlines()[-1] == "Worse: userproxy in requests-64."
    assert "about 1 of 126 comparisons" in text
    others = render(differences(results(BEFORE), slower(1.2, "haproxy")), 5)
    assert "Others got worse too, so the machine may be another one now: haproxy in requests-64." in others
    assert others.splitlines()[-1] == "Nothing of userproxy got worse beyond the noise."


def test_with_two_rounds_nothing_is_said_about_the_noise() -> None:
    before, after = results({"userproxy": [10.0, 10.0]}), results({"userproxy": [20.0, 20.0]})
    lines = render(differences(before, after), 2).splitlines()
    assert lines[0].endswith("+100.0%  (too few rounds)")
    assert "With fewer than 3 rounds nothing can be said about the noise." in lines
    assert lines[-1] == "Nothing of userproxy got worse beyond the noise."
